namespace Thaw.Core.Chunks;

/// <summary>A run of bytes of a version: 0 &lt;= <paramref name="Start"/>, 0 &lt;= <paramref name="Length"/>.</summary>
public readonly record struct ByteRange(long Start, long Length)
{
    /// <summary>First offset after the range.</summary>
    public long End => Start + Length;

    /// <summary>Every byte of a version of this size.</summary>
    public static ByteRange All(long sizeBytes) => new(0, sizeBytes);

    /// <summary>The bytes of one chunk.</summary>
    public static ByteRange OfChunk(long sizeBytes, int chunk) =>
        new(Geometry.ChunkOffset(chunk), Geometry.ChunkLength(sizeBytes, chunk));
}
