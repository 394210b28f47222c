using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Core.Chunks;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// The buffers of a listener's connections, in three sizes: one for headers and short bodies, a block, and a large one
/// that saves system calls. Large ones are counted: beyond <see cref="Limits.LargeSendBuffers"/> a connection gets a
/// block, so that many slow clients hold little. Any thread. A connection holds a buffer only from writing to it until
/// it is sent.
/// </summary>
internal sealed class SendBuffers : IDisposable
{
    /// <summary>Headers of a response are below 1 KiB, with metadata up to 8 KiB.</summary>
    public const int SmallBytes = 16 << 10;

    /// <summary>Four blocks: above that, sends become no cheaper and the processor's cache no warmer.</summary>
    public const int LargeBytes = 4 * Geometry.BlockBytes;

    private readonly ConcurrentQueue<SendBuffer> _small = new();
    private readonly ConcurrentQueue<SendBuffer> _blocks = new();
    private readonly ConcurrentQueue<SendBuffer> _large = new();
    private int _largeMade;
    private int _rented;

    /// <summary>Buffers that connections hold.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>A buffer of at least this size; a large one where a block is asked for and one is free.</summary>
    public SendBuffer Rent(int least)
    {
        Interlocked.Increment(ref _rented);
        if (least <= SmallBytes)
            return _small.TryDequeue(out var small) ? small : new SendBuffer(SmallBytes);
        if (least > LargeBytes)
            return new SendBuffer(least);
        if (_large.TryDequeue(out var large))
            return large;
        if (least > Geometry.BlockBytes || Interlocked.Increment(ref _largeMade) <= Limits.LargeSendBuffers)
            return new SendBuffer(LargeBytes);
        Interlocked.Decrement(ref _largeMade);
        return _blocks.TryDequeue(out var block) ? block : new SendBuffer(Geometry.BlockBytes);
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(SendBuffer buffer)
    {
        Interlocked.Decrement(ref _rented);
        var (free, most) = buffer.Bytes switch
        {
            SmallBytes => (_small, Limits.SmallSendBuffersKept),
            Geometry.BlockBytes => (_blocks, Limits.LargeSendBuffers),
            LargeBytes => (_large, Limits.LargeSendBuffers),
            _ => (_large, 0),
        };
        if (free.Count < most)
            free.Enqueue(buffer);
        else
            ((IDisposable)buffer).Dispose();
    }

    /// <summary>Frees what is not rented.</summary>
    public void Dispose()
    {
        foreach (var free in (ReadOnlySpan<ConcurrentQueue<SendBuffer>>)[_small, _blocks, _large])
            while (free.TryDequeue(out var buffer))
                ((IDisposable)buffer).Dispose();
    }
}
