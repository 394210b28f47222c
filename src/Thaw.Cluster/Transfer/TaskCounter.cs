namespace Thaw.Cluster.Transfer;

/// <summary>
/// Tasks that somebody owns without a list of them: they are counted, and awaited at the end. Any thread.
/// </summary>
internal sealed class TaskCounter
{
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count = 1;

    /// <summary>Runs on the thread pool. The work handles its own failures.</summary>
    public void Run(Func<Task> work)
    {
        Interlocked.Increment(ref _count);
        _ = Task.Run(async () =>
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            finally
            {
                Ended();
            }
        });
    }

    /// <summary>Ends once all tasks have; once, when no more are begun from outside of tasks.</summary>
    public Task DrainAsync()
    {
        Ended();
        return _drained.Task;
    }

    private void Ended()
    {
        if (Interlocked.Decrement(ref _count) == 0)
            _drained.TrySetResult();
    }
}
