using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Thaw.Core.Checksums;
using Thaw.Core.Identity;

namespace Thaw.Storage.Format;

/// <summary>What a map says of one chunk. Values are part of the format.</summary>
internal enum ChunkState : byte
{
    /// <summary>Not here.</summary>
    Absent = 0,

    /// <summary>Whole and entered; safe against the end of the process, not of the machine.</summary>
    Written = 1,

    /// <summary>On the medium.</summary>
    Durable = 2,

    /// <summary>
    /// The bytes are lost, the block CRC list is good: what comes back can be compared with what was here. In memory
    /// such a chunk is absent.
    /// </summary>
    Lost = 3,

    /// <summary>
    /// Never on disk: entered as written by another boot of this machine that did not stop cleanly, and not checked
    /// yet.
    /// </summary>
    Suspect = 255,
}

/// <summary>
/// One entry of a map: 32 bytes. Its CRC and that of the block CRC list are seeded with the ContentId and the chunk's
/// index, so that an entry or list of another place or version never checks. An absent entry is 32 zeros.
/// <code>
///  0  state, u8 (1 written, 2 durable, 3 lost)     16  CRC-64/NVME of the chunk, u64, if flag 1 is set
///  1  flags, u8 (1: the CRC-64 is entered;         24  zeros
///     2: lost to rot, so that blocks of it may be good)
///  2  zeros                                        28  CRC-32C of (ContentId, index, bytes 0-27), u32
///  4  boot tag, u32
///  8  CRC-32C of (ContentId, index, block CRC list), u32
/// 12  zeros
/// </code>
/// </summary>
internal readonly record struct ChunkEntry(
    ChunkState State, uint BootTag, uint ListCrc, ulong? Crc64, bool IsRepairable = false)
{
    private const int CrcOffset = MapLayout.EntryBytes - sizeof(uint);
    private const byte HasCrc64 = 1;
    private const byte Repairable = 2;

    /// <summary>Seed of everything entered for this chunk of this version.</summary>
    public static uint Seed(ContentId id, int chunk)
    {
        Span<byte> seed = stackalloc byte[ContentId.Length + sizeof(long)];
        id.CopyTo(seed);
        BinaryPrimitives.WriteInt64LittleEndian(seed[ContentId.Length..], chunk);
        return Crc32C.Compute(seed);
    }

    /// <summary>Seeded CRC of a block CRC list.</summary>
    public static uint CrcOfList(uint seed, ReadOnlySpan<uint> blockCrcs) =>
        Crc32C.Append(seed, MemoryMarshal.AsBytes(blockCrcs));

    public void Write(Span<byte> entry, uint seed)
    {
        entry[..MapLayout.EntryBytes].Clear();
        if (State == ChunkState.Absent)
            return;
        entry[0] = (byte)State;
        entry[1] = (byte)((Crc64 is null ? 0 : HasCrc64) | (IsRepairable ? Repairable : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], BootTag);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], ListCrc);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], Crc64 ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[CrcOffset..], Crc32C.Append(seed, entry[..CrcOffset]));
    }

    /// <summary>Reads an entry; one that does not check is absent.</summary>
    public static ChunkEntry Read(ReadOnlySpan<byte> entry, uint seed, out bool damaged)
    {
        damaged = false;
        var bytes = entry[..MapLayout.EntryBytes];
        if (!bytes.ContainsAnyExcept((byte)0))
            return default;
        damaged = bytes[0] is < (byte)ChunkState.Written or > (byte)ChunkState.Lost
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]) != Crc32C.Append(seed, bytes[..CrcOffset]);
        return damaged
            ? default
            : new ChunkEntry(
                (ChunkState)bytes[0],
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
                BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
                (bytes[1] & HasCrc64) != 0 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]) : null,
                (bytes[1] & Repairable) != 0);
    }
}
