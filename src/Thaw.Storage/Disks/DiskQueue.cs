namespace Thaw.Storage.Disks;

/// <summary>
/// The I/O threads of one disk behind a bounded queue: a stuck disk holds up its own threads and nobody else's. Any
/// thread may enqueue; when the queue is full the caller waits asynchronously. Dispose waits for what is queued.
/// </summary>
internal sealed class DiskQueue : IAsyncDisposable
{
    /// <summary>More than can wait for a place at once.</summary>
    private const int WaitersMost = 1 << 20;

    private readonly Queue<DiskWork> _work = new();
    private readonly SemaphoreSlim _places;
    private readonly Thread[] _threads;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private bool _stopping;
    private long _completed;

    public DiskQueue(string name, int threads, int bound)
    {
        _places = new SemaphoreSlim(bound);
        _running = threads;
        _threads = new Thread[threads];
        for (var index = 0; index < threads; index++)
        {
            _threads[index] = new Thread(Run) { IsBackground = true, Name = $"{name} {index}" };
            _threads[index].Start();
        }
    }

    /// <summary>Pieces of work done since start: whoever sees no change sees a stuck or idle disk.</summary>
    public long Completed => Volatile.Read(ref _completed);

    /// <summary>Runs a function on one of the disk's threads.</summary>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken = default)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        var item = new DiskWork<T>(work);
        lock (_work)
        {
            if (_stopping)
            {
                _places.Release();
                throw new ObjectDisposedException(nameof(DiskQueue));
            }

            _work.Enqueue(item);
            Monitor.Pulse(_work);
        }

        return await item.Task.ConfigureAwait(false);
    }

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

    private void Run()
    {
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
            }

            item.Execute();
            Interlocked.Increment(ref _completed);
            _places.Release();
        }

        if (Interlocked.Decrement(ref _running) == 0)
            _stopped.SetResult();
    }

    private abstract class DiskWork
    {
        public abstract void Execute();
    }

    private sealed class DiskWork<T>(Func<T> work) : DiskWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public override void Execute()
        {
            try
            {
                _done.SetResult(work());
            }
            catch (Exception error)
            {
                _done.SetException(error);
            }
        }
    }
}
