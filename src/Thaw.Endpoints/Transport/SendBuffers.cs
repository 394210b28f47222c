using Thaw.Core;
using Thaw.Core.Chunks;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// The buffers of a listener's connections, in three sizes: one for headers and short bodies, a block, and a large one
/// that saves system calls. Large ones are counted: beyond <see cref="Limits.LargeSendBuffers"/> a connection gets a
/// block, so that many slow clients hold little. Any thread. A connection holds a buffer only from writing to it until
/// it is sent. The buffer that came back last goes out first: the processor's cache still has it.
/// </summary>
internal sealed class SendBuffers : IDisposable
{
    /// <summary>Headers of a response are below 1 KiB, with metadata up to 8 KiB.</summary>
    public const int SmallBytes = 16 << 10;

    /// <summary>Four blocks: above that, sends become no cheaper and the processor's cache no warmer.</summary>
    public const int LargeBytes = 4 * Geometry.BlockBytes;

    private readonly Stock _small = new(Limits.SmallSendBuffersKept);
    private readonly Stock _blocks = new(Limits.LargeSendBuffers);
    private readonly Stock _large = new(Limits.LargeSendBuffers);
    private int _largeMade;
    private int _rented;

    /// <summary>Buffers that connections hold.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>A buffer of at least this size; a large one where a block is asked for and one is free.</summary>
    public SendBuffer Rent(int least)
    {
        Interlocked.Increment(ref _rented);
        if (least <= SmallBytes)
            return _small.TryTake() ?? new SendBuffer(SmallBytes);
        if (least > LargeBytes)
            return new SendBuffer(least);
        if (_large.TryTake() is { } large)
            return large;
        if (least > Geometry.BlockBytes || Interlocked.Increment(ref _largeMade) <= Limits.LargeSendBuffers)
            return new SendBuffer(LargeBytes);
        Interlocked.Decrement(ref _largeMade);
        return _blocks.TryTake() ?? new SendBuffer(Geometry.BlockBytes);
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(SendBuffer buffer)
    {
        Interlocked.Decrement(ref _rented);
        var stock = buffer.Bytes switch
        {
            SmallBytes => _small,
            Geometry.BlockBytes => _blocks,
            LargeBytes => _large,
            _ => null,
        };
        if (stock?.TryKeep(buffer) != true)
            ((IDisposable)buffer).Dispose();
    }

    /// <summary>Frees what is not rented.</summary>
    public void Dispose()
    {
        foreach (var stock in (ReadOnlySpan<Stock>)[_small, _blocks, _large])
            while (stock.TryTake() is { } buffer)
                ((IDisposable)buffer).Dispose();
    }

    /// <summary>Free buffers of one size, the last one back on top. Held for a few instructions at a time.</summary>
    private sealed class Stock(int most)
    {
        private readonly Lock _gate = new();
        private readonly SendBuffer[] _free = new SendBuffer[most];
        private int _count;

        public SendBuffer? TryTake()
        {
            lock (_gate)
                return _count == 0 ? null : _free[--_count];
        }

        public bool TryKeep(SendBuffer buffer)
        {
            lock (_gate)
            {
                if (_count == _free.Length)
                    return false;
                _free[_count++] = buffer;
                return true;
            }
        }
    }
}
