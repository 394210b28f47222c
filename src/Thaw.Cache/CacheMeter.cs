using System.Diagnostics.Metrics;

namespace Thaw.Cache;

/// <summary>What the cache records as it happens, on the meter <c>Thaw</c>.</summary>
internal sealed class CacheMeter : IDisposable
{
    private readonly Meter _meter = new("Thaw");
    private readonly Histogram<double> _chunkFetch;
    private long _readers;

    public CacheMeter() => _chunkFetch = _meter.CreateHistogram<double>(
        "thaw_chunk_fetch_seconds", "s", "Time from the start of a chunk's fetch until its last block is checked.");

    /// <summary>Open readers.</summary>
    public long Readers => Volatile.Read(ref _readers);

    public void ChunkFetched(TimeSpan took) => _chunkFetch.Record(took.TotalSeconds);

    public void ReaderOpened() => Interlocked.Increment(ref _readers);

    public void ReaderClosed() => Interlocked.Decrement(ref _readers);

    public void Dispose() => _meter.Dispose();
}
