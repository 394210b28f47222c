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

    public static long EntryOffset(int chunk) => HeaderBytes + (long)chunk * EntryBytes;

    public static long CrcListOffset(int chunkCount, int chunk) =>
        AlignUp(EntryOffset(chunkCount)) + (long)chunk * CrcListBytes;

    public static long InlineOffset(int chunkCount) => AlignUp(CrcListOffset(chunkCount, chunkCount));

    public static bool IsInline(long sizeBytes) => sizeBytes <= Geometry.InlineBytes;

    /// <summary>Where the second header is.</summary>
    public static long SecondHeaderOffset(long sizeBytes) =>
        AlignUp(InlineOffset(Geometry.ChunkCount(sizeBytes)) + (IsInline(sizeBytes) ? sizeBytes : 0));

    public static long FileBytes(long sizeBytes) => SecondHeaderOffset(sizeBytes) + HeaderBytes;

    private static long AlignUp(long offset) => (offset + SectorBytes - 1) / SectorBytes * SectorBytes;
}
