using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>A request as it lies in the reading thread's buffer: valid until the handler returns.</summary>
internal readonly ref struct Request
{
    private readonly ReadOnlySpan<byte> _bytes;

    private Request(Channel channel, ReadOnlySpan<byte> bytes)
    {
        Channel = channel;
        _bytes = bytes;
    }

    /// <summary>Where it came from and where it is answered.</summary>
    public Channel Channel { get; }

    public ref readonly InHeader Header => ref MemoryMarshal.AsRef<InHeader>(_bytes);

    public ulong Unique => Header.Unique;

    public ulong NodeId => Header.NodeId;

    /// <summary>What stands behind the header.</summary>
    public ReadOnlySpan<byte> Body => _bytes[Unsafe.SizeOf<InHeader>()..];

    /// <summary>Takes bytes as a request; false if they are none.</summary>
    public static bool TryRead(Channel channel, ReadOnlySpan<byte> bytes, out Request request)
    {
        request = new Request(channel, bytes);
        return bytes.Length >= Unsafe.SizeOf<InHeader>() && request.Header.Length == bytes.Length;
    }

    /// <summary>The structure at the front of the body; the default one if the body is shorter.</summary>
    public T Read<T>()
        where T : unmanaged =>
        Body.Length >= Unsafe.SizeOf<T>() ? MemoryMarshal.Read<T>(Body) : default;

    /// <summary>The name at an offset of the body, up to its zero byte.</summary>
    public ReadOnlySpan<byte> NameBytes(int offset = 0)
    {
        var rest = Body.Length > offset ? Body[offset..] : default;
        var end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }

    /// <summary>The name at an offset of the body; null if it is no UTF-8, which no key is.</summary>
    public string? Name(int offset = 0)
    {
        var bytes = NameBytes(offset);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
    }

    /// <summary>Answers with an errno, or 0.</summary>
    public bool Fail(int errno) => Channel.Fail(Unique, errno);

    /// <summary>Answers with a structure.</summary>
    public bool Answer<T>(in T body)
        where T : unmanaged => Channel.Answer(Unique, in body);
}
