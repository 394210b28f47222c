using System.Buffers;
using System.Runtime.InteropServices;

namespace Thaw.Cache.Memory;

/// <summary>Page-aligned native memory for the bytes of one chunk in flight. Returned exactly once.</summary>
internal sealed unsafe class ChunkBuffer : MemoryManager<byte>
{
    private const nuint PageBytes = 4096;

    private readonly byte* _start;
    private readonly ChunkBuffers _owner;
    private int _returned;

    public ChunkBuffer(ChunkBuffers owner, int bytes)
    {
        _owner = owner;
        Capacity = bytes;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, PageBytes);
    }

    /// <summary>Bytes, a multiple of a block.</summary>
    public int Capacity { get; }

    public override Span<byte> GetSpan() => new(_start, Capacity);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    /// <summary>Gives the buffer back to its pool.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref _returned, 1) != 0)
            throw new InvalidOperationException("A chunk buffer was returned twice.");
        _owner.TakeBack(this);
    }

    internal void Rented() => Volatile.Write(ref _returned, 0);

    internal void Free() => NativeMemory.AlignedFree(_start);

    protected override void Dispose(bool disposing)
    {
    }
}
