using System.Buffers.Binary;
using System.Text;
using Thaw.Core.Checksums;

namespace Thaw.Storage.Names;

/// <summary>
/// The first 128 bytes of a names log, the same in every format: magic, u32 format, u32 header length, u8 length of the
/// mount's name, the name, zeros, CRC-32C of the 124 bytes before.
/// </summary>
internal static class NameLogHeader
{
    public const int Bytes = 128;
    public const uint Format = 1;
    private const int NameOffset = 17;
    private const int CrcOffset = Bytes - 4;

    /// <summary>Longest mount name in UTF-8 bytes (S3 bucket names have at most 63).</summary>
    public const int MostNameBytes = CrcOffset - NameOffset;

    private static ReadOnlySpan<byte> Magic => "THAWNAME"u8;

    /// <summary>What the header of a file says.</summary>
    public enum Verdict
    {
        /// <summary>Format 1 and this mount.</summary>
        Good,

        /// <summary>
        /// Not a header, or a damaged one. The records may be good: their seed needs the mount's name alone.
        /// </summary>
        Damaged,

        /// <summary>Undamaged, and of a format that this program does not know.</summary>
        Newer,

        /// <summary>Undamaged, and of another mount.</summary>
        OtherMount,
    }

    public static byte[] Write(string mount)
    {
        var header = new byte[Bytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Format);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), Bytes);
        header[16] = checked((byte)Encoding.UTF8.GetBytes(mount, header.AsSpan(NameOffset, MostNameBytes)));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(CrcOffset), Crc32C.Compute(header.AsSpan(0, CrcOffset)));
        return header;
    }

    public static Verdict Read(ReadOnlySpan<byte> header, string mount, out uint format)
    {
        format = 0;
        if (header.Length < Bytes || !header.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(header[CrcOffset..]) != Crc32C.Compute(header[..CrcOffset]))
            return Verdict.Damaged;
        format = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (format != Format)
            return Verdict.Newer;
        var name = header.Slice(NameOffset, Math.Min((int)header[16], MostNameBytes));
        return name.SequenceEqual(Encoding.UTF8.GetBytes(mount)) ? Verdict.Good : Verdict.OtherMount;
    }
}

/// <summary>
/// Seeds of record CRCs: mount name and offset in the file. A record that lies at another place or in another mount's
/// file never checks, since for equal bytes CRCs differ whenever their seeds do.
/// </summary>
internal readonly struct NameLogSeed(string mount)
{
    private readonly uint _mount = Crc32C.Compute(Encoding.UTF8.GetBytes("thaw-names-1\n" + mount));

    public uint At(long offset)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, offset);
        return Crc32C.Append(_mount, bytes);
    }
}
