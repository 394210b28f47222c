using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Thaw.Core;

namespace Thaw.Posix.Loop;

/// <summary>
/// Page-aligned native buffers for the bytes of READ answers, a bounded number of them, made when first needed.
/// </summary>
internal sealed class ReplyBuffers : IDisposable
{
    private readonly ConcurrentBag<ReplyBuffer> _free = [];
    private readonly SemaphoreSlim _places = new(Limits.PosixBuffers, Limits.PosixBuffers);

    /// <summary>Buffers that are lent; 0 when nothing is under way.</summary>
    public int Lent => Limits.PosixBuffers - _places.CurrentCount;

    /// <summary>A buffer, or null when all are lent.</summary>
    public ReplyBuffer? TryRent() => _places.Wait(0) ? Take() : null;

    /// <summary>A buffer, once there is one.</summary>
    public async ValueTask<ReplyBuffer> RentAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        return Take();
    }

    /// <summary>Gives a buffer back, once.</summary>
    public void Return(ReplyBuffer buffer)
    {
        _free.Add(buffer);
        _places.Release();
    }

    public void Dispose()
    {
        while (_free.TryTake(out var buffer))
            buffer.Free();
        _places.Dispose();
    }

    private ReplyBuffer Take() => _free.TryTake(out var buffer) ? buffer : new ReplyBuffer();
}

/// <summary>One buffer of <see cref="Limits.PosixReadBytes"/>.</summary>
internal sealed unsafe class ReplyBuffer : MemoryManager<byte>
{
    private readonly byte* _start = (byte*)NativeMemory.AlignedAlloc(Limits.PosixReadBytes, 4096);

    public override Span<byte> GetSpan() => new(_start, Limits.PosixReadBytes);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    internal void Free() => NativeMemory.AlignedFree(_start);

    protected override void Dispose(bool disposing)
    {
    }
}
