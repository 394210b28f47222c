namespace Thaw.Storage.Disks;

/// <summary>
/// The I/O threads of one disk behind a bounded queue: a stuck disk holds up its own threads and nobody else's. Any
/// thread may ask; when the queue is full the caller waits asynchronously.
/// <para>Invariants: nobody waits for a disk that its watch calls stuck. <see cref="Abandon"/> answers all who wait, in
/// the queue or for a call that does not come back, in the disk's stead, and whoever asks while the queue is closed is
/// answered at once. What an abandoned call was given (leases, buffers) is given back by its <c>ended</c>, when it
/// comes back.</para>
/// </summary>
internal sealed class DiskQueue : IAsyncDisposable
{
    /// <summary>More than can wait for a place at once.</summary>
    private const int WaitersMost = 1 << 20;

    [ThreadStatic]
    private static DiskThread? _current;

    private readonly Queue<DiskWork> _work = new();
    private readonly SemaphoreSlim _places;
    private readonly DiskThread[] _threads;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _stopping;
    private volatile bool _closed;

    public DiskQueue(string name, int threads, int bound)
    {
        _places = new SemaphoreSlim(bound);
        _running = threads;
        _threads = [.. Enumerable.Range(0, threads).Select(_ => new DiskThread())];
        foreach (var (index, thread) in _threads.Index())
            new Thread(() => Run(thread)) { IsBackground = true, Name = $"{name} {index}" }.Start();
    }

    /// <summary>How long the call that has run longest has run without progress; zero when none runs.</summary>
    public TimeSpan LongestCall
    {
        get
        {
            var longest = TimeSpan.Zero;
            foreach (var thread in _threads)
                if (Volatile.Read(ref thread.Since) is var since and not 0
                    && TimeProvider.System.GetElapsedTime(since) is var age && age > longest)
                    longest = age;
            return longest;
        }
    }

    /// <summary>The longest call that has come back since this was asked last.</summary>
    public TimeSpan TakeSlowest()
    {
        long slowest = 0;
        foreach (var thread in _threads)
            slowest = Math.Max(slowest, Interlocked.Exchange(ref thread.Slowest, 0));
        return TimeSpan.FromTicks(slowest);
    }

    /// <summary>A long piece of work tells its disk's watch that it gets on. On a thread of any queue.</summary>
    public static void NoteProgress() => _current?.Begin();

    /// <summary>Runs a function on one of the disk's threads.</summary>
    /// <param name="work">The function; it may go on after the task has ended.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="otherwise">The answer while the disk is stuck.</param>
    /// <param name="ended">Called once when the function has ended, or will never begin.</param>
    public async Task<T> RunAsync<T>(
        Func<T> work, CancellationToken cancellationToken = default, T otherwise = default!, Action? ended = null)
    {
        var item = new DiskWork<T>(work, otherwise, ended);
        if (_closed)
        {
            item.Skip();
            return otherwise;
        }

        try
        {
            await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            item.Skip();
            throw;
        }

        lock (_work)
        {
            if (_stopping || _closed)
            {
                _places.Release();
                item.Skip();
                return _stopping ? throw new ObjectDisposedException(nameof(DiskQueue)) : otherwise;
            }

            item.HasPlace = true;
            _work.Enqueue(item);
            Monitor.Pulse(_work);
        }

        return await item.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Work that nobody waits for and that is done however long it takes: closing and unlinking.</summary>
    public void Post(Action work)
    {
        lock (_work)
        {
            _work.Enqueue(new PostedWork(work));
            Monitor.Pulse(_work);
        }
    }

    /// <summary>
    /// The disk is stuck: answers all who wait, and whoever asks from now on until <see cref="Reopen"/>.
    /// </summary>
    public void Abandon()
    {
        DiskWork[] waiting;
        lock (_work)
        {
            _closed = true;
            waiting = [.. _work];
            _work.Clear();
            foreach (var posted in waiting.Where(item => !item.CanBeSkipped))
                _work.Enqueue(posted);
        }

        foreach (var item in waiting.Where(item => item.CanBeSkipped))
        {
            item.Skip();
            _places.Release();
        }

        foreach (var thread in _threads)
            Volatile.Read(ref thread.Work)?.Abandon();
        // Whoever waits for a place takes the ones that were just given back, finds the queue closed, and hands on.
    }

    /// <summary>The disk answers again.</summary>
    public void Reopen() => _closed = false;

    /// <summary>Ends when all queued work is done and the threads have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_work)
        {
            _stopping = true;
            Monitor.PulseAll(_work);
        }

        await _stopped.Task.ConfigureAwait(false);
        // Whoever still waits for a place finds the queue stopped.
        _places.Release(WaitersMost);
        _places.Dispose();
    }

    private void Run(DiskThread thread)
    {
        _current = thread;
        while (true)
        {
            DiskWork item;
            lock (_work)
            {
                while (_work.Count == 0 && !_stopping)
                    Monitor.Wait(_work);
                if (_work.Count == 0)
                    break;
                item = _work.Dequeue();
                Volatile.Write(ref thread.Work, item);
                thread.Begin();
            }

            item.Execute();
            thread.End();
            if (item.HasPlace)
                _places.Release();
        }

        if (Interlocked.Decrement(ref _running) == 0)
            _stopped.SetResult();
    }

    /// <summary>What one thread is at. The thread writes, the watch reads.</summary>
    private sealed class DiskThread
    {
        public DiskWork? Work;
        public long Since;
        public long Slowest;

        public void Begin()
        {
            NoteTime();
            Volatile.Write(ref Since, TimeProvider.System.GetTimestamp());
        }

        public void End()
        {
            NoteTime();
            Volatile.Write(ref Since, 0);
            Volatile.Write(ref Work, null);
        }

        private void NoteTime()
        {
            if (Since is var since and not 0
                && TimeProvider.System.GetElapsedTime(since).Ticks is var took && took > Volatile.Read(ref Slowest))
                Volatile.Write(ref Slowest, took);
        }
    }

    private abstract class DiskWork
    {
        public bool HasPlace { get; set; }

        public virtual bool CanBeSkipped => true;

        public abstract void Execute();

        public virtual void Skip()
        {
        }

        public virtual void Abandon()
        {
        }
    }

    private sealed class PostedWork(Action work) : DiskWork
    {
        public override bool CanBeSkipped => false;

        public override void Execute() => work();
    }

    private sealed class DiskWork<T>(Func<T> work, T otherwise, Action? ended) : DiskWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public override void Execute()
        {
            try
            {
                var result = work();
                ended?.Invoke();
                _done.TrySetResult(result);
            }
            catch (Exception error)
            {
                ended?.Invoke();
                _done.TrySetException(error);
            }
        }

        public override void Skip()
        {
            ended?.Invoke();
            _done.TrySetResult(otherwise);
        }

        public override void Abandon() => _done.TrySetResult(otherwise);
    }
}
