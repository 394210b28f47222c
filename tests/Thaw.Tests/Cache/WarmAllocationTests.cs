using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>
/// Reading what the page cache holds allocates nothing: no byte for a block, checked or not, whatever its kind. All
/// rooms take part: reader, window, version file, disk, check. Counted on the one thread that reads.
/// </summary>
public sealed class WarmAllocationTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(4 * Geometry.BlockBytes)] // as long bodies are read
    [InlineData(Geometry.BlockBytes)]
    [InlineData(4096)] // parts of a block, checked at most once a minute
    public async Task A_warm_read_allocates_nothing(int pieceBytes)
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", 3 * Chunk + Geometry.BlockBytes + 1, 1);
        await house.AssertReadsAsync("model", content);
        await house.IsIdleAsync();
        var version = (await house.ResolveAsync("model")).Value;
        var piece = GC.AllocateUninitializedArray<byte>(pieceBytes, pinned: true);
        var least = long.MaxValue;
        // The kernel may take a page back at any time, and the compiler replaces code: one clean turn is the proof.
        for (var turn = 0; turn < 20 && least != 0; turn++)
        {
            await using var reader = Open(house, version);
            if (ReadAtOnce(reader, version.SizeBytes, piece) is { } allocated)
                least = Math.Min(least, allocated);
        }

        Assert.True(least != long.MaxValue, "No turn was served from the page cache alone.");
        Assert.Equal(0, least);
    }

    private static IRangeReader Open(CacheHouse house, ObjectVersion version) => house.Cache.Reader.OpenRange(
        new ObjectPath("models", "model"), version, ByteRange.All(version.SizeBytes), Face.S3);

    /// <summary>Bytes allocated while all is read; null if a read had to wait.</summary>
    private static long? ReadAtOnce(IRangeReader reader, long sizeBytes, byte[] piece)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (long done = 0; done < sizeBytes;)
        {
            var read = reader.ReadAsync(piece, Stop);
            if (!read.IsCompletedSuccessfully || !read.Result.TryGet(out var count, out _) || count == 0)
                return null;
            done += count;
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
