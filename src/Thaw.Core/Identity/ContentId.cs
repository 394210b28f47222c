using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace Thaw.Core.Identity;

/// <summary>
/// What identifies a version: 32 bytes, either the sha256 that the origin publishes or a hash of where the version was
/// and which one it was. Equal on every node and in every cluster. Weaker sums (MD5, CRC) never identify.
/// </summary>
public readonly struct ContentId : IEquatable<ContentId>
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 32;

    private readonly Words _words;

    private ContentId(ReadOnlySpan<byte> bytes) => bytes.CopyTo(AsWritableBytes(ref _words));

    /// <summary>Takes 32 bytes as they are (a published sha256, or an id read from disk or the wire).</summary>
    public static ContentId FromBytes(ReadOnlySpan<byte> bytes) =>
        bytes.Length == Length
            ? new ContentId(bytes)
            : throw new ArgumentException("A ContentId has 32 bytes.", nameof(bytes));

    /// <summary>
    /// Hashes an identity made of parts; each part is length-prefixed, so that no two lists of parts collide, and the
    /// hash is separated from published sha256 sums by a prefix.
    /// </summary>
    public static ContentId Derive(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("thaw-content-id-1\n"u8);
        Span<byte> length = stackalloc byte[4];
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        Span<byte> digest = stackalloc byte[Length];
        hash.GetHashAndReset(digest);
        return new ContentId(digest);
    }

    /// <summary>Reads 64 hexadecimal digits.</summary>
    public static bool TryParse(string? hex, out ContentId id)
    {
        id = default;
        Span<byte> bytes = stackalloc byte[Length];
        if (hex is not { Length: 2 * Length }
            || Convert.FromHexString(hex, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        id = new ContentId(bytes);
        return true;
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination) => AsBytes(in _words).CopyTo(destination);

    /// <inheritdoc />
    public bool Equals(ContentId other) => AsBytes(in _words).SequenceEqual(AsBytes(in other._words));

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is ContentId other && Equals(other);

    /// <summary>The first four bytes: the id is a cryptographic hash already.</summary>
    public override int GetHashCode() => BinaryPrimitives.ReadInt32LittleEndian(AsBytes(in _words));

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(AsBytes(in _words));

    public static bool operator ==(ContentId left, ContentId right) => left.Equals(right);

    public static bool operator !=(ContentId left, ContentId right) => !left.Equals(right);

    private static ReadOnlySpan<byte> AsBytes(in Words words) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(
                ref Unsafe.AsRef(in words), 1));

    private static Span<byte> AsWritableBytes(ref Words words) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(
            System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref words, 1));

    [InlineArray(4)]
    private struct Words
    {
        private ulong _first;
    }
}
