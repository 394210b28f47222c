using Thaw.Core.Chunks;

namespace Thaw.Storage.Versions;

/// <summary>
/// The bytes that one read takes of one chunk: either whole blocks from a block's start, or a part of one block.
/// </summary>
internal readonly struct BlockSpan
{
    private readonly int _chunkLength;

    /// <param name="sizeBytes">Size of the version.</param>
    /// <param name="offset">First offset in the version.</param>
    /// <param name="most">Most bytes, at least 1.</param>
    public BlockSpan(long sizeBytes, long offset, int most)
    {
        Offset = offset;
        Chunk = Geometry.ChunkAt(offset);
        _chunkLength = Geometry.ChunkLength(sizeBytes, Chunk);
        var inChunk = (int)(offset - Geometry.ChunkOffset(Chunk));
        FirstBlock = inChunk / Geometry.BlockBytes;
        OffsetInBlock = inChunk % Geometry.BlockBytes;
        BlockLength = Geometry.BlockLength(_chunkLength, FirstBlock);
        var rest = _chunkLength - inChunk;
        IsWholeBlocks = OffsetInBlock == 0 && most >= BlockLength;
        Bytes = !IsWholeBlocks ? Math.Min(most, BlockLength - OffsetInBlock)
            : most >= rest ? rest
            : most / Geometry.BlockBytes * Geometry.BlockBytes;
    }

    public long Offset { get; }

    public int Chunk { get; }

    public int FirstBlock { get; }

    public int OffsetInBlock { get; }

    public int BlockLength { get; }

    public bool IsWholeBlocks { get; }

    /// <summary>Bytes to read, at least 1.</summary>
    public int Bytes { get; }

    public long BlockOffset => Offset - OffsetInBlock;

    /// <summary>The block that holds the byte behind so many of these.</summary>
    public int BlockAt(int done) => FirstBlock + done / Geometry.BlockBytes;

    /// <summary>Bytes of these in the block that begins behind so many of them.</summary>
    public int BytesAt(int done) => IsWholeBlocks ? Math.Min(Geometry.BlockBytes, Bytes - done) : Bytes;
}
