namespace Thaw.Storage.Versions;

/// <summary>Counters of a store since start. Any thread.</summary>
public sealed class StoreCounters
{
    private long _corruptChunks;
    private long _lostInCrash;
    private long _evictedBytes;
    private long _failedWrites;
    private long _scrubbedBytes;

    /// <summary>Chunks whose bytes failed their check although they should be good.</summary>
    public long CorruptChunks => Volatile.Read(ref _corruptChunks);

    /// <summary>Chunks entered before an unclean boot whose bytes did not survive it.</summary>
    public long LostInCrash => Volatile.Read(ref _lostInCrash);

    /// <summary>Bytes dropped to make room.</summary>
    public long EvictedBytes => Volatile.Read(ref _evictedBytes);

    /// <summary>Chunks that could not be kept: disk full or failing.</summary>
    public long FailedWrites => Volatile.Read(ref _failedWrites);

    /// <summary>Bytes that the scrubber has read.</summary>
    public long ScrubbedBytes => Volatile.Read(ref _scrubbedBytes);

    internal void AddScrubbed(long bytes) => Interlocked.Add(ref _scrubbedBytes, bytes);

    internal void AddCorrupt() => Interlocked.Increment(ref _corruptChunks);

    internal void AddLost() => Interlocked.Increment(ref _lostInCrash);

    internal void AddEvicted(long bytes) => Interlocked.Add(ref _evictedBytes, bytes);

    internal void AddFailedWrite() => Interlocked.Increment(ref _failedWrites);
}
