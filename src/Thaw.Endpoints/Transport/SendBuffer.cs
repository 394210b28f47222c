using System.Buffers;
using System.Runtime.InteropServices;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// A page-aligned native buffer that a response is written into and sent from. The collector neither moves nor sees it.
/// It belongs to <see cref="SendBuffers"/> and, while rented, to one connection.
/// </summary>
internal sealed unsafe class SendBuffer : MemoryManager<byte>
{
    private const int PageBytes = 4096;

    private byte* _start;

    public SendBuffer(int bytes)
    {
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, PageBytes);
        Bytes = bytes;
    }

    /// <summary>Its size.</summary>
    public int Bytes { get; }

    /// <summary>Its first byte.</summary>
    public byte* Start => _start;

    public override Span<byte> GetSpan() => new(_start, Bytes);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
