using Thaw.Core.Chunks;

namespace Thaw.Storage.Format;

/// <summary>
/// Where things are in a map file of format 1 (docs/internals/store.md gives it byte by byte). All integers are
/// little-endian. No header, entry or CRC list straddles a 512-byte sector, so that a torn write damages only itself.
/// <code>
/// 0                header, 512 bytes
/// 512              entries, 16 bytes for each chunk
/// align 512        block CRC lists, 128 bytes for each chunk
/// align 512        the bytes themselves, if the version has at most 64 KiB
/// </code>
/// </summary>
internal static class MapLayout
{
    public const int SectorBytes = 512;
    public const int HeaderBytes = SectorBytes;
    public const int EntryBytes = 16;
    public const int CrcListBytes = Geometry.BlocksPerChunk * sizeof(uint);

    public static long EntryOffset(int chunk) => HeaderBytes + (long)chunk * EntryBytes;

    public static long CrcListOffset(int chunkCount, int chunk) =>
        AlignUp(EntryOffset(chunkCount)) + (long)chunk * CrcListBytes;

    public static long InlineOffset(int chunkCount) => AlignUp(CrcListOffset(chunkCount, chunkCount));

    public static bool IsInline(long sizeBytes) => sizeBytes <= Geometry.InlineBytes;

    public static long FileBytes(long sizeBytes)
    {
        var chunks = Geometry.ChunkCount(sizeBytes);
        return InlineOffset(chunks) + (IsInline(sizeBytes) ? sizeBytes : 0);
    }

    private static long AlignUp(long offset) => (offset + SectorBytes - 1) / SectorBytes * SectorBytes;
}
