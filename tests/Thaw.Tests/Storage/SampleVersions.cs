using System.Collections.Immutable;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>Versions with bytes that follow from a seed, and the block CRCs that belong to them.</summary>
internal static class SampleVersions
{
    public static ObjectVersion Of(long size, int seed, OriginSum? sum = null) => new()
    {
        Id = ContentId.Derive("test", seed.ToString(System.Globalization.CultureInfo.InvariantCulture),
            size.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        SizeBytes = size,
        ETag = $"\"{seed}\"",
        LastModified = DateTimeOffset.UnixEpoch.AddSeconds(seed),
        Metadata = ImmutableSortedDictionary<string, string>.Empty,
        Sum = sum,
    };

    public static byte[] Bytes(long size, int seed)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static uint[] BlockCrcs(ReadOnlySpan<byte> chunk)
    {
        var crcs = new uint[Geometry.BlocksPerChunk];
        for (var block = 0; block < Geometry.BlockCount(chunk.Length); block++)
            crcs[block] = Crc32C.Compute(
                chunk.Slice(block * Geometry.BlockBytes, Geometry.BlockLength(chunk.Length, block)));
        return crcs;
    }

    public static async Task WriteAsync(ChunkStore store, ObjectVersion version, byte[] bytes, params int[] chunks)
    {
        using var lease = (await store.LeaseOrCreateAsync(version)).Value;
        foreach (var chunk in chunks.Length > 0 ? chunks : [.. Enumerable.Range(0, Geometry.ChunkCount(bytes.Length))])
        {
            var range = ByteRange.OfChunk(bytes.Length, chunk);
            var piece = bytes.AsMemory((int)range.Start, (int)range.Length);
            Assert.Null((await store.WriteChunkAsync(
            lease, new ChunkWrite(chunk, piece, BlockCrcs(piece.Span)))).Failure);
        }
    }

    /// <summary>Reads a range as a reader would, piece by piece.</summary>
    public static async Task<(ReadKind End, byte[] Bytes)> ReadAsync(
        VersionFile version, ByteRange range, int pieceBytes)
    {
        var bytes = new byte[range.Length];
        for (var done = 0; done < bytes.Length;)
        {
            var most = Math.Min(pieceBytes, bytes.Length - done);
            var read = await version.ReadAsync(
                range.Start + done, bytes.AsMemory(done, most), TestContext.Current.CancellationToken);
            if (read.Kind != ReadKind.Hit)
                return (read.Kind, bytes[..done]);
            Assert.InRange(read.Bytes, 1, most);
            done += read.Bytes;
        }

        return (ReadKind.Hit, bytes);
    }
}
