using Thaw.Core;

namespace Thaw.Storage.Disks;

/// <summary>
/// What one disk's calls say of it: healthy, slow, failing or gone, and back. Any thread reports; the disk's watch is
/// the only one that calls <see cref="Judge"/> and that lets a disk back after a probe.
/// <para>Rules: a call that took long, or takes long, makes it slow for a while. Some failed writes in a row, or one
/// refused by a read-only file system, make it failing, and so does a write that does not come back (stuck). If a read
/// does not come back, it is not read either. Reads that fail while a probe fails make it gone. A full
/// disk is no failure.</para>
/// </summary>
internal sealed class DiskHealth(DiskThresholds thresholds)
{
    private readonly Lock _gate = new();
    private int _failedWrites;
    private bool _readsStuck;
    private bool _writesStuck;
    private long _slowUntil;
    private volatile bool _canRead = true;
    private volatile bool _canWrite = true;
    private volatile bool _isLost;

    public DiskThresholds Thresholds => thresholds;

    /// <summary>Whether what is here may be read.</summary>
    public bool CanRead => _canRead;

    /// <summary>Whether something may be written.</summary>
    public bool CanWrite => _canWrite;

    public DiskState State
    {
        get
        {
            lock (_gate)
                return _isLost ? DiskState.Gone
                    : !_canWrite || !_canRead ? DiskState.Failing
                    : _slowUntil > Environment.TickCount64 ? DiskState.Slow
                    : DiskState.Healthy;
        }
    }

    /// <summary>A write or sync that worked.</summary>
    public void NoteWritten()
    {
        if (Volatile.Read(ref _failedWrites) == 0)
            return;
        lock (_gate)
            _failedWrites = 0;
    }

    /// <summary>A write or sync that failed; returns whether the disk has become failing by it.</summary>
    public bool NoteFailedWrite(Exception error)
    {
        if (error is IOException io && Native.IsFull(io))
            return false;
        lock (_gate)
        {
            _failedWrites++;
            if (!_canWrite || (_failedWrites < thresholds.FailedWrites && !IsReadOnly(error)))
                return false;
            _canWrite = false;
            return true;
        }
    }

    /// <summary>Reads fail, and so does a probe; returns whether the disk has become gone by it.</summary>
    public bool NoteLost()
    {
        lock (_gate)
        {
            var was = _isLost;
            (_isLost, _canRead, _canWrite) = (true, false, false);
            return !was;
        }
    }

    /// <summary>What the watch sees of the queues; returns whether that has changed.</summary>
    /// <param name="readsStuck">Whether a read or an open does not come back.</param>
    /// <param name="writesStuck">Whether a write, sync or unlink does not come back.</param>
    /// <param name="longest">The longest call that came back since, or that runs now.</param>
    public bool Judge(bool readsStuck, bool writesStuck, TimeSpan longest)
    {
        lock (_gate)
        {
            if (longest >= thresholds.Slow)
                _slowUntil = Environment.TickCount64 + (long)thresholds.SlowFor.TotalMilliseconds;
            if ((readsStuck, writesStuck) == (_readsStuck, _writesStuck))
                return false;
            (_readsStuck, _writesStuck) = (readsStuck, writesStuck);
            // A disk that answers again is let back by a probe, not by this.
            if (readsStuck)
                _canRead = false;
            if (readsStuck || writesStuck)
                _canWrite = false;
            return true;
        }
    }

    /// <summary>A probe came back; returns whether the disk is usable again by it.</summary>
    /// <param name="canRead">The directory is this node's and can be read.</param>
    /// <param name="canWrite">It can be written, too.</param>
    public bool NoteProbe(bool canRead, bool canWrite)
    {
        lock (_gate)
        {
            if (_readsStuck || _writesStuck)
                return false;
            var isBack = (canRead && !_canRead) || (canWrite && !_canWrite);
            (_canRead, _canWrite, _isLost) = (canRead, canRead && canWrite, !canRead);
            if (canWrite)
                _failedWrites = 0;
            if (isBack)
                _slowUntil = Environment.TickCount64 + (long)thresholds.SlowFor.TotalMilliseconds;
            return isBack;
        }
    }

    private static bool IsReadOnly(Exception error) =>
        error is IOException io && (io.HResult & 0xffff) == Native.ErrorReadOnly;
}

/// <summary>When a disk counts as slow or stuck; tests set their own.</summary>
internal sealed record DiskThresholds
{
    /// <summary>A call this long makes a disk slow.</summary>
    public TimeSpan Slow { get; init; } = Limits.DiskSlow;

    /// <summary>How long a disk counts as slow after that.</summary>
    public TimeSpan SlowFor { get; init; } = Limits.DiskSlowFor;

    /// <summary>A read, write or open this long makes a disk stuck.</summary>
    public TimeSpan Stuck { get; init; } = Limits.DiskStuck;

    /// <summary>A sync or unlink this long makes a disk stuck: they may write or free gigabytes.</summary>
    public TimeSpan StuckSync { get; init; } = Limits.DiskStuckSync;

    /// <summary>How often the watch looks.</summary>
    public TimeSpan Watch { get; init; } = Limits.DiskWatch;

    /// <summary>How often a disk that is not healthy is probed.</summary>
    public TimeSpan Probe { get; init; } = Limits.DiskProbePeriod;

    /// <summary>So many failed writes in a row make a disk failing.</summary>
    public int FailedWrites { get; init; } = Limits.DiskFailedWrites;
}
