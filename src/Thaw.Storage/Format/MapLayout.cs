using Thaw.Core.Chunks;

namespace Thaw.Storage.Format;

/// <summary>
/// Where things are in a map file of format 1 (docs/internals/store.md gives it byte by byte). All integers are
/// little-endian. No header, entry or CRC list straddles a 512-byte sector.
/// <code>
/// 0                header, 512 bytes
/// 512              entries, 32 bytes for each chunk
/// align 512        block CRC lists, 128 bytes for each chunk
/// align 512        the bytes themselves, if the version has at most 64 KiB
/// align 512        the header once more, 512 bytes
/// </code>
/// </summary>
internal static class MapLayout
{
    public const int SectorBytes = 512;
    public const int HeaderBytes = SectorBytes;
    public const int EntryBytes = 32;
    public const int CrcListBytes = Geometry.BlocksPerChunk * sizeof(uint);

    /// <summary>In which ext4 and XFS give room to files, as they are made by default.</summary>
    private const int PageBytes = 4096;

    public static long EntryOffset(int chunk) => HeaderBytes + (long)chunk * EntryBytes;

    public static long CrcListOffset(int chunkCount, int chunk) =>
        AlignUp(EntryOffset(chunkCount)) + (long)chunk * CrcListBytes;

    public static long InlineOffset(int chunkCount) => AlignUp(CrcListOffset(chunkCount, chunkCount));

    public static bool IsInline(long sizeBytes) => sizeBytes <= Geometry.InlineBytes;

    /// <summary>Where the second header is.</summary>
    public static long SecondHeaderOffset(long sizeBytes) =>
        AlignUp(InlineOffset(Geometry.ChunkCount(sizeBytes)) + (IsInline(sizeBytes) ? sizeBytes : 0));

    public static long FileBytes(long sizeBytes) => SecondHeaderOffset(sizeBytes) + HeaderBytes;

    /// <summary>
    /// What a version's files take of the disk beside its bytes: the map, and what is left of both files' last pages.
    /// </summary>
    public static long BesideBytes(long sizeBytes) => IsInline(sizeBytes)
        ? AlignUp(FileBytes(sizeBytes), PageBytes) - sizeBytes
        : AlignUp(FileBytes(sizeBytes), PageBytes) + AlignUp(sizeBytes, PageBytes) - sizeBytes;

    private static long AlignUp(long offset, int unit = SectorBytes) => (offset + unit - 1) / unit * unit;
}
