namespace Thaw.Storage.Versions;

/// <summary>
/// Who holds a version's files: readers and writers, and at most one sync, which holds them open but does not use what
/// is in them. Once retired, nobody can hold them again. Any thread.
/// </summary>
internal sealed class LeaseCount
{
    /// <summary>What the one sync adds, far above what readers and writers reach.</summary>
    private const int Sync = 1 << 24;

    private int _leases;

    /// <summary>Whether a reader or a writer holds them.</summary>
    public bool IsInUse => (Volatile.Read(ref _leases) & (Sync - 1)) != 0;

    /// <summary>Whether there is one holder and no sync.</summary>
    public bool IsSole => Volatile.Read(ref _leases) == 1;

    public bool TryAcquire() => TryAdd(1);

    public bool TryAcquireForSync() => TryAdd(Sync);

    /// <summary>Gives a lease back; true when it was the last one.</summary>
    public bool Release() => Interlocked.Decrement(ref _leases) == 0;

    /// <summary>Gives the sync's lease back; true when it was the last one.</summary>
    public bool ReleaseFromSync() => Interlocked.Add(ref _leases, -Sync) == 0;

    /// <summary>Takes the files out of use if nobody holds a lease; none can be taken afterwards.</summary>
    public bool TryRetire() => Interlocked.CompareExchange(ref _leases, int.MinValue, 0) == 0;

    private bool TryAdd(int lease)
    {
        while (true)
        {
            var leases = Volatile.Read(ref _leases);
            if (leases < 0)
                return false;
            if (Interlocked.CompareExchange(ref _leases, leases + lease, leases) == leases)
                return true;
        }
    }
}
