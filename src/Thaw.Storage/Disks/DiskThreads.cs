using Thaw.Core;

namespace Thaw.Storage.Disks;

/// <summary>
/// The threads of one disk, each kind behind its own queue, and the watch that turns calls which take long, or do not
/// come back, into the disk's health. The watch itself never touches the disk.
/// <para>A disk whose writes are stuck is still read (a frozen file system answers reads); one whose reads are stuck
/// is not asked for anything.</para>
/// </summary>
internal sealed class DiskThreads
{
    private readonly DiskThresholds _thresholds;
    private readonly Func<(bool CanRead, bool CanWrite)> _probe;
    private readonly Action<DiskState> _changed;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watch;
    private Task<(bool CanRead, bool CanWrite)>? _probing;
    private long _lastProbe;
    private DiskState _told = DiskState.Healthy;

    /// <param name="thresholds">When a disk is slow or stuck.</param>
    /// <param name="probe">Asks the disk whether it can be read and written; on one of these threads.</param>
    /// <param name="changed">Told the new state, on a thread of the pool; never blocks.</param>
    public DiskThreads(
        DiskThresholds thresholds, Func<(bool CanRead, bool CanWrite)> probe, Action<DiskState> changed)
    {
        (_thresholds, _probe, _changed) = (thresholds, probe, changed);
        Health = new DiskHealth(thresholds);
        _watch = WatchAsync();
    }

    public DiskHealth Health { get; }

    public DiskQueue Readers { get; } = new("disk read", threads: 4, bound: 256);

    /// <summary>Opens files, which a frozen file system lets happen, and probes.</summary>
    public DiskQueue Openers { get; } = new("disk open", threads: 2, bound: 256);

    /// <summary>Makes files, writes chunks and headers.</summary>
    public DiskQueue Writers { get; } = new("disk write", threads: 2, bound: 64);

    public DiskQueue Syncers { get; } = new("disk sync", threads: 1, bound: 4);

    /// <summary>Closes and unlinks.</summary>
    public DiskQueue Cleaners { get; } = new("disk clean", threads: 1, bound: 64);

    /// <summary>The start-up scan and the scrubber.</summary>
    public DiskQueue Scanners { get; } = new("disk scan", threads: 1, bound: 4);

    /// <summary>
    /// Ends writers, then all others when their work and <paramref name="last"/> are done. The threads of a stuck disk
    /// are left behind.
    /// </summary>
    /// <param name="last">The last thing that is done, on the sync thread; not if writes do not come back.</param>
    public async ValueTask DisposeAsync(Action last)
    {
        await EndAsync(Writers).ConfigureAwait(false);
        await Syncers.RunAsync(() =>
        {
            last();
            return true;
        }).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
        await EndAsync([Readers, Openers, Syncers, Cleaners, Scanners]).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task EndAsync(params DiskQueue[] queues)
    {
        try
        {
            await Task.WhenAll(queues.Select(queue => queue.DisposeAsync().AsTask()))
                .WaitAsync(Health.CanWrite ? Limits.DiskClose : _thresholds.Watch).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Calls that do not come back; the threads are background ones and end with the process.
            _changed(DiskState.Failing);
        }
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(_thresholds.Watch);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                Look();
                await ProbeAsync().ConfigureAwait(false);
                if (Health.State is var state && state != _told)
                    _changed(_told = state);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the store is closed
        }
    }

    private void Look()
    {
        var readsStuck = ((DiskQueue[])[Readers, Openers, Scanners]).Any(
            queue => queue.LongestCall > _thresholds.Stuck);
        var writesStuck = Writers.LongestCall > _thresholds.Stuck || Syncers.LongestCall > _thresholds.StuckSync
            || Cleaners.LongestCall > _thresholds.StuckSync;
        var longest = TimeSpan.Zero;
        foreach (var queue in (DiskQueue[])[Readers, Openers, Writers])
            longest = Longer(longest, Longer(queue.TakeSlowest(), queue.LongestCall));
        if (!Health.Judge(readsStuck, writesStuck, longest))
            return;
        foreach (var queue in (DiskQueue[])[Readers, Openers, Scanners])
            SetOpen(queue, !readsStuck);
        foreach (var queue in (DiskQueue[])[Writers, Syncers, Cleaners])
            SetOpen(queue, !readsStuck && !writesStuck);
    }

    private static void SetOpen(DiskQueue queue, bool isOpen)
    {
        if (isOpen)
            queue.Reopen();
        else
            queue.Abandon();
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private async Task ProbeAsync()
    {
        if (_probing is { IsCompleted: true } ended)
        {
            _probing = null;
            var (canRead, canWrite) = await ended.ConfigureAwait(false);
            Health.NoteProbe(canRead, canWrite);
        }

        if (_probing is not null || (Health.CanRead && Health.CanWrite)
            || (_lastProbe != 0 && TimeProvider.System.GetElapsedTime(_lastProbe) < _thresholds.Probe))
            return;
        _lastProbe = TimeProvider.System.GetTimestamp();
        _probing = Openers.RunAsync(_probe, _stopping.Token);
    }
}
