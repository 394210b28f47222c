using System.Buffers.Binary;
using System.Collections.Immutable;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;

namespace Thaw.Storage.Format;

/// <summary>How far a complete version's bytes are known to be the origin's. Values are part of the format.</summary>
public enum Verdict : byte
{
    /// <summary>Not complete, or not checked yet.</summary>
    None = 0,

    /// <summary>Every block is as it was received over checked transports.</summary>
    Transport = 1,

    /// <summary>The origin's own sum matched.</summary>
    Origin = 2,
}

/// <summary>Flags of a map header. Values are part of the format.</summary>
[Flags]
internal enum MapFlags : byte
{
    None = 0,

    /// <summary>Handed to the kernel for passthrough: never punched, truncated or rewritten with other bytes.</summary>
    Sealed = 1,

    /// <summary>From an origin without strong versions.</summary>
    Weak = 2,

    /// <summary>The CRC-32C of the whole version is entered.</summary>
    HasCrc32C = 4,
}

/// <summary>
/// The first sector of a map file, and its last one. Both are rewritten in place, the last one first, when the verdict
/// or the seal changes; the CRC tells a torn or foreign one. Bytes that this version of Thaw does not know are kept.
/// <code>
///   0  magic "THAWMAP\n"        48  size, u64             72  origin sum, 32 bytes
///   8  format, u16              56  block bytes, u32     104  created, i64 unix ms
///  10  oldest reader, u16       60  oldest writer, u16   112  CRC-32C of the version, u32
///  12  chunk bytes, u32         64  sum kind, u8         120  last used, i64 unix ms
///  16  ContentId, 32 bytes      65  verdict, u8          508  CRC-32C of bytes 0-507
///                               66  flags, u8
/// </code>
/// </summary>
internal sealed record MapHeader(
    ContentId Id, long SizeBytes, OriginSum? Sum, Verdict Verdict, MapFlags Flags, DateTimeOffset Created,
    uint Crc32C = 0)
{
    public const ushort Format = 1;
    private const int CrcOffset = MapLayout.HeaderBytes - sizeof(uint);
    private const long LatestMilliseconds = 253402300799999;

    private ImmutableArray<byte> _sector = [];

    private static ReadOnlySpan<byte> Magic => "THAWMAP\n"u8;

    public void Write(Span<byte> sector)
    {
        sector[..MapLayout.HeaderBytes].Clear();
        if (_sector.IsEmpty)
        {
            Magic.CopyTo(sector);
            BinaryPrimitives.WriteUInt16LittleEndian(sector[8..], Format);
            BinaryPrimitives.WriteUInt16LittleEndian(sector[10..], Format);
            BinaryPrimitives.WriteUInt16LittleEndian(sector[60..], Format);
        }
        else
        {
            _sector.AsSpan().CopyTo(sector);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(sector[12..], Geometry.ChunkBytes);
        Id.CopyTo(sector[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(sector[48..], SizeBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[56..], Geometry.BlockBytes);
        sector[64] = (byte)(Sum?.Kind ?? SumKind.None);
        sector[65] = (byte)Verdict;
        sector[66] = (byte)Flags;
        Sum?.Value.AsSpan().CopyTo(sector[72..]);
        BinaryPrimitives.WriteInt64LittleEndian(sector[104..], Created.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteUInt32LittleEndian(sector[112..], Crc32C);
        BinaryPrimitives.WriteUInt32LittleEndian(
            sector[CrcOffset..], Core.Checksums.Crc32C.Compute(sector[..CrcOffset]));
    }

    /// <summary>Reads a header; says what is wrong with one that cannot be used.</summary>
    public static MapHeader? Read(ReadOnlySpan<byte> sector, out MapProblem problem)
    {
        problem = sector.ContainsAnyExcept((byte)0) ? MapProblem.Damaged : MapProblem.Unfinished;
        if (sector.Length < MapLayout.HeaderBytes
            || !sector[..Magic.Length].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(sector[CrcOffset..])
                != Core.Checksums.Crc32C.Compute(sector[..CrcOffset]))
            return null;
        if (BinaryPrimitives.ReadUInt16LittleEndian(sector[10..]) > Format
            || BinaryPrimitives.ReadUInt16LittleEndian(sector[60..]) > Format)
        {
            problem = MapProblem.NewerFormat;
            return null;
        }

        var size = BinaryPrimitives.ReadInt64LittleEndian(sector[48..]);
        if (size < 0
            || size > (long)int.MaxValue * Geometry.ChunkBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(sector[12..]) != Geometry.ChunkBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(sector[56..]) != Geometry.BlockBytes
            || sector[65] > (byte)Verdict.Origin)
            return null;
        var kind = (SumKind)sector[64];
        var sumLength = OriginSum.LengthOf(kind);
        problem = MapProblem.None;
        return new MapHeader(
            ContentId.FromBytes(sector.Slice(16, ContentId.Length)), size,
            sumLength == 0 ? null : new OriginSum(kind, ImmutableArray.Create(sector.Slice(72, sumLength))),
            (Verdict)sector[65], (MapFlags)sector[66],
            DateTimeOffset.FromUnixTimeMilliseconds(
                Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(sector[104..]), 0, LatestMilliseconds)),
            BinaryPrimitives.ReadUInt32LittleEndian(sector[112..]))
        {
            _sector = ImmutableArray.Create(sector[..MapLayout.HeaderBytes]),
        };
    }
}

/// <summary>Why a map cannot be used.</summary>
internal enum MapProblem
{
    None,

    /// <summary>Empty: a crash came before the header; the files may go.</summary>
    Unfinished,

    /// <summary>Torn, rotten or not a map: the version is fetched again, the files may go.</summary>
    Damaged,

    /// <summary>Written by a newer Thaw: left alone.</summary>
    NewerFormat,

    /// <summary>The disk did not let it be read: left alone.</summary>
    Unreadable,
}
