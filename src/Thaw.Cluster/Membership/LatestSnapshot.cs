using Thaw.Core.Cluster;

namespace Thaw.Cluster.Membership;

/// <summary>
/// Holds the latest snapshot and wakes whoever waits for a later one. Only a successor takes its predecessor's place.
/// Any thread reads; whoever follows the membership publishes.
/// </summary>
internal sealed class LatestSnapshot(ClusterSnapshot first)
{
    private readonly Lock _gate = new();
    private ClusterSnapshot _current = first;
    private TaskCompletionSource _changed = NewChange();

    public ClusterSnapshot Current => Volatile.Read(ref _current);

    /// <summary>Takes a snapshot if it is later than the present one; else says no.</summary>
    public bool TryPublish(ClusterSnapshot next)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (next.Number <= _current.Number)
                return false;
            Volatile.Write(ref _current, next);
            (changed, _changed) = (_changed, NewChange());
        }

        changed.SetResult();
        return true;
    }

    public async ValueTask<ClusterSnapshot> WaitAsync(ClusterSnapshot known, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_current.Number > known.Number)
                    return _current;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
