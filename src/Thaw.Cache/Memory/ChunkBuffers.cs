using Thaw.Core.Chunks;

namespace Thaw.Cache.Memory;

/// <summary>
/// The buffers of chunks in flight, together never more than the cap. Whole-chunk buffers are kept for the next chunk,
/// since touching fresh memory costs more than reading the chunk; buffers of small objects are made to measure.
/// Any thread. Renting never waits: the scheduler above decides who may ask.
/// </summary>
internal sealed class ChunkBuffers(long capacityBytes) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<ChunkBuffer> _whole = new();
    private long _allocatedBytes;
    private long _usedBytes;

    public long CapacityBytes { get; } = Math.Max(capacityBytes, Geometry.ChunkBytes);

    /// <summary>Called without any lock of this type whenever memory comes back.</summary>
    public Action Returned { get; set; } = static () => { };

    /// <summary>Bytes rented now.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>A buffer of at least so many bytes (at most a chunk), or null when the cap would be passed.</summary>
    public ChunkBuffer? TryRent(int bytes)
    {
        var rounded = Math.Max(1, Geometry.BlockCount(bytes)) * Geometry.BlockBytes;
        lock (_gate)
        {
            if (rounded == Geometry.ChunkBytes && _whole.TryPop(out var kept))
            {
                kept.Rented();
                _usedBytes += rounded;
                return kept;
            }

            while (_allocatedBytes + rounded > CapacityBytes && _whole.TryPop(out var idle))
            {
                _allocatedBytes -= idle.Capacity;
                idle.Free();
            }

            if (_allocatedBytes + rounded > CapacityBytes)
                return null;
            _allocatedBytes += rounded;
            _usedBytes += rounded;
            return new ChunkBuffer(this, rounded);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            while (_whole.TryPop(out var idle))
                idle.Free();
        }
    }

    internal void TakeBack(ChunkBuffer buffer)
    {
        lock (_gate)
        {
            _usedBytes -= buffer.Capacity;
            if (buffer.Capacity == Geometry.ChunkBytes)
            {
                _whole.Push(buffer);
            }
            else
            {
                _allocatedBytes -= buffer.Capacity;
                buffer.Free();
            }
        }

        Returned();
    }
}
