using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>
/// One descriptor of a FUSE connection: <c>/dev/fuse</c> itself or a clone. A request is answered on the channel it
/// came from, from any thread; elsewhere the kernel does not know it.
/// </summary>
internal sealed unsafe class Channel : IDisposable
{
    private readonly SafeFileHandle _handle;

    public Channel(SafeFileHandle handle) => _handle = handle;

    /// <summary>The descriptor.</summary>
    public SafeFileHandle Handle => _handle;

    /// <summary>Another descriptor of the same connection; an <see cref="IOException"/> if there can be none.</summary>
    public Channel Clone()
    {
        var handle = Native.Open("/dev/fuse", Native.OpenReadWriteCloseOnExec);
        var descriptor = (uint)_handle.DangerousGetHandle();
        if (!handle.IsInvalid && Native.Ioctl(handle, Native.IoctlClone, &descriptor) == 0)
            return new Channel(handle);
        var errno = Native.LastError;
        handle.Dispose();
        throw new IOException($"/dev/fuse cannot be cloned: {Native.Explain(errno)}", errno);
    }

    /// <summary>Waits for a request; its bytes, or minus the errno.</summary>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            var read = Native.Read(_handle, start, (nuint)buffer.Length);
            return read >= 0 ? (int)read : -Native.LastError;
        }
    }

    /// <summary>Answers with an errno, or 0 for success without a body; false if nobody waits any more.</summary>
    public bool Fail(ulong unique, int errno) => Send(unique, -errno, default, default);

    /// <summary>Answers with a body; false if nobody waits any more.</summary>
    public bool Answer(ulong unique, ReadOnlySpan<byte> body) => Send(unique, 0, body, default);

    /// <summary>Answers with a structure; false if nobody waits any more.</summary>
    public bool Answer<T>(ulong unique, in T body)
        where T : unmanaged =>
        Send(unique, 0, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in body)), default);

    /// <summary>Tells the kernel something unasked; false if it knows nothing of what this is about.</summary>
    public bool Notify<T>(Notice notice, in T body, ReadOnlySpan<byte> rest)
        where T : unmanaged =>
        Send(0, (int)notice, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in body)), rest);

    public void Dispose() => _handle.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Send(ulong unique, int error, ReadOnlySpan<byte> body, ReadOnlySpan<byte> rest)
    {
        var header = new OutHeader
        {
            Length = (uint)(sizeof(OutHeader) + body.Length + rest.Length),
            Error = error,
            Unique = unique,
        };
        fixed (byte* start = body, tail = rest)
        {
            var vectors = stackalloc Native.IoVector[3];
            vectors[0] = new Native.IoVector { Base = &header, Length = (nuint)sizeof(OutHeader) };
            vectors[1] = new Native.IoVector { Base = start, Length = (nuint)body.Length };
            vectors[2] = new Native.IoVector { Base = tail, Length = (nuint)rest.Length };
            return Native.WriteV(_handle, vectors, rest.IsEmpty ? body.IsEmpty ? 1 : 2 : 3) >= 0;
        }
    }
}
