namespace Thaw.Core.Chunks;

/// <summary>
/// How a version is cut: chunks of 8 MiB, the unit of fetching, placing and evicting, made of blocks of 256 KiB, the
/// unit of checking. Constants of format 1, not options.
/// </summary>
public static class Geometry
{
    /// <summary>Bytes in a chunk; the last one of a version is shorter.</summary>
    public const int ChunkBytes = 8 << 20;

    /// <summary>Bytes in a block; the last one of a version is shorter.</summary>
    public const int BlockBytes = 256 << 10;

    /// <summary>Blocks in a whole chunk.</summary>
    public const int BlocksPerChunk = ChunkBytes / BlockBytes;

    /// <summary>Versions up to this size live inside their map file.</summary>
    public const int InlineBytes = 64 << 10;

    /// <summary>Number of chunks of a version; 0 for an empty one.</summary>
    public static int ChunkCount(long sizeBytes) => checked((int)((sizeBytes + ChunkBytes - 1) / ChunkBytes));

    /// <summary>Offset of a chunk's first byte in its version.</summary>
    public static long ChunkOffset(int chunk) => (long)chunk * ChunkBytes;

    /// <summary>Length of a chunk in bytes.</summary>
    public static int ChunkLength(long sizeBytes, int chunk) =>
        (int)Math.Min(ChunkBytes, sizeBytes - ChunkOffset(chunk));

    /// <summary>Number of blocks of a chunk of this length.</summary>
    public static int BlockCount(int chunkLength) => (chunkLength + BlockBytes - 1) / BlockBytes;

    /// <summary>Length in bytes of a block of a chunk of this length.</summary>
    public static int BlockLength(int chunkLength, int block) => Math.Min(BlockBytes, chunkLength - block * BlockBytes);

    /// <summary>The chunk that holds this offset.</summary>
    public static int ChunkAt(long offset) => checked((int)(offset / ChunkBytes));
}
