using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Chunks;
using Thaw.Storage;
using Thaw.Storage.Recovery;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Thaw.Tests.Storage.Model;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>Rot that nobody reads is found, at a bounded rate, also where the page cache hides it.</summary>
public sealed class ScrubTests
{
    private const int Chunk = Geometry.ChunkBytes;

    [Fact]
    public async Task Rot_of_the_medium_below_a_good_page_cache_is_found_at_the_rate_that_is_set()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        var disk = new MemoryDisk();
        var pace = new ScrubPace { BytesPerSecond = Chunk };
        await using var store = ChunkStore.Open([new DiskOptions("/cache", 1L << 30)], new StoreContext(
            NullLogger.Instance, clock, new StoreCounters(), disk, static _ => false, "boot")
        { Scrub = pace });
        var version = SampleVersions.Of(3 * Chunk + 100, 1);
        var bytes = SampleVersions.Bytes(version.SizeBytes, 1);
        await SampleVersions.WriteAsync(store, version, bytes);
        Assert.True(await store.SyncAsync());
        disk.Find(disk.Paths.Single(path => path.EndsWith(".data", StringComparison.Ordinal)))!
            .FlipBit(2L * Chunk + 5 * Geometry.BlockBytes + 7, bit: 3, inCache: false);
        using var lease = (await store.LeaseAsync(version.Id))!;
        var read = await SampleVersions.ReadAsync(lease.Version, ByteRange.All(version.SizeBytes), 1 << 20);
        Assert.Equal(ReadKind.Hit, read.End);

        clock.Advance(pace.Delay);
        var step = TimeSpan.FromMilliseconds(100);
        var passed = TimeSpan.Zero;
        await Eventually.HoldsAsync(
            "everything is scrubbed", () =>
            {
                clock.Advance(step);
                passed += step;
                Assert.True(store.Counters.ScrubbedBytes <= passed.TotalSeconds * Chunk + 2 * Chunk,
                    $"{store.Counters.ScrubbedBytes} bytes in {passed}");
                return new(store.Counters.ScrubbedBytes == version.SizeBytes);
            },
            () => $"{store.Counters.ScrubbedBytes}", TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal((1, 0), (store.Counters.CorruptChunks, store.Counters.LostInCrash));
        Assert.Equal([true, true, false, true], Enumerable.Range(0, 4).Select(lease.Version.Has));
        var damaged = await lease.Version.SalvageAsync(2, new byte[Chunk], TestContext.Current.CancellationToken);
        Assert.Equal(1u << 5, damaged?.BadBlocks);
    }
}
