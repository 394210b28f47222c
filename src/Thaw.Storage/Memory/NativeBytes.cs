using System.Runtime.InteropServices;

namespace Thaw.Storage.Memory;

/// <summary>
/// Bytes outside the collected heap, for what is large and short-lived: they go back to the system at once. One owner;
/// a span is valid until <see cref="Dispose"/>.
/// </summary>
internal sealed unsafe class NativeBytes(int length) : IDisposable
{
    private byte* _start = (byte*)NativeMemory.AllocZeroed((nuint)length);

    ~NativeBytes() => Free();

    public int Length => length;

    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start is null, this);
            return new Span<byte>(_start, length);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_start);
        _start = null;
    }
}
