namespace Thaw.Posix;

/// <summary>Counters of the POSIX face since start. Any thread.</summary>
internal sealed class PosixCounters
{
    private long _passthroughOpens;
    private long _cachedOpens;
    private long _openedBytes;
    private long _readBytes;

    /// <summary>Files opened by passthrough; their reads cannot be counted.</summary>
    public long PassthroughOpens => Volatile.Read(ref _passthroughOpens);

    /// <summary>Files opened through the page cache.</summary>
    public long CachedOpens => Volatile.Read(ref _cachedOpens);

    /// <summary>Sizes of all files that were opened.</summary>
    public long OpenedBytes => Volatile.Read(ref _openedBytes);

    /// <summary>Bytes that the kernel asked for.</summary>
    public long ReadBytes => Volatile.Read(ref _readBytes);

    public void AddPassthroughOpen(long bytes)
    {
        Interlocked.Increment(ref _passthroughOpens);
        Interlocked.Add(ref _openedBytes, bytes);
    }

    public void AddCachedOpen(long bytes)
    {
        Interlocked.Increment(ref _cachedOpens);
        Interlocked.Add(ref _openedBytes, bytes);
    }

    public void AddRead(long bytes) => Interlocked.Add(ref _readBytes, bytes);
}
