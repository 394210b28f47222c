using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Storage;

public sealed class ChunkStoreTests
{
    private const int Chunk = Geometry.ChunkBytes;
    private const int Block = Geometry.BlockBytes;

    public static TheoryData<long> Sizes { get; } =
        [1, 100, Geometry.InlineBytes, Geometry.InlineBytes + 1, Block - 1, Block, Block + 1, Chunk - 1, Chunk,
            Chunk + 1, 2 * Chunk + Block + 7];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task What_was_written_is_read_in_any_pieces_also_after_a_restart(long size)
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(size, seed: 1);
        var bytes = SampleVersions.Bytes(size, seed: 1);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        for (var run = 0; run < 2; run++)
        {
            using (var lease = (await house.Store.LeaseAsync(version.Id))!)
            {
                Assert.True(lease.Version.IsComplete);
                foreach (var piece in (int[])[1 << 20, Block, Block - 1, 5000])
                {
                    var (end, read) = await SampleVersions.ReadAsync(lease.Version, ByteRange.All(size), piece);
                    Assert.Equal(ReadKind.Hit, end);
                    Assert.True(bytes.AsSpan().SequenceEqual(read), $"run {run}, pieces of {piece}");
                }
            }

            await house.Store.DisposeAsync();
            await house.StartAsync();
        }

        Assert.Equal(size, house.Store.Bytes);
        Assert.Equal(0, house.Store.Counters.CorruptChunks);
    }

    [Fact]
    public async Task A_chunk_that_is_not_here_is_a_miss_and_the_others_are_not()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(3 * Chunk, seed: 2);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(3 * Chunk, 2), 0, 2);
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        Assert.Equal(ReadKind.Miss, (await SampleVersions.ReadAsync(lease.Version, new ByteRange(Chunk, 10), 10)).End);
        Assert.Equal(
            ReadKind.Hit, (await SampleVersions.ReadAsync(lease.Version, new ByteRange(2 * Chunk, 10), 10)).End);
        Assert.Equal(2 * Chunk, lease.Version.PresentBytes);
        Assert.False(lease.Version.IsComplete);
    }

    [Theory]
    [InlineData(1000L)]
    [InlineData(3L * Chunk)]
    public async Task A_flipped_bit_is_never_served_and_costs_its_chunk_alone(long size)
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(size, seed: 3);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(size, 3));
        await house.Store.DisposeAsync();
        var (path, offset) = size <= Geometry.InlineBytes
            ? (house.PathOf(version, ".map"), MapLayout.InlineOffset(1) + 17)
            : (house.PathOf(version, ".data"), Chunk + 3L * Block + 17);
        FlipBit(path, offset);
        await house.StartAsync();
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        var (end, read) = await SampleVersions.ReadAsync(lease.Version, ByteRange.All(size), Block);
        Assert.Equal(ReadKind.Bad, end);
        Assert.True(SampleVersions.Bytes(size, 3).AsSpan(0, read.Length).SequenceEqual(read));
        Assert.Equal(1, house.Store.Counters.CorruptChunks);
        Assert.Equal(size <= Geometry.InlineBytes ? 0 : size - Chunk, lease.Version.PresentBytes);
        await SampleVersions.WriteAsync(house.Store, version, SampleVersions.Bytes(size, 3));
        Assert.Equal(ReadKind.Hit, (await SampleVersions.ReadAsync(lease.Version, ByteRange.All(size), Block)).End);
        Assert.Equal(size, house.Store.Bytes);
    }

    [Fact]
    public async Task Any_flipped_bit_of_a_map_costs_bytes_at_most_and_never_gives_wrong_ones()
    {
        const long size = 2L * Chunk + 5;
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(size, seed: 4);
        var bytes = SampleVersions.Bytes(size, 4);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        await house.Store.DisposeAsync();
        var map = house.PathOf(version, ".map");
        var good = File.ReadAllBytes(map);
        var random = new Random(4);
        for (var turn = 0; turn < 60; turn++)
        {
            var offset = turn < 30 ? random.Next(600) : random.Next(good.Length);
            File.WriteAllBytes(map, good);
            FlipBit(map, offset);
            await house.StartAsync();
            using (var lease = await house.Store.LeaseAsync(version.Id))
            {
                for (long start = 0; lease is not null && start < size; start += Chunk)
                {
                    var range = new ByteRange(start, Math.Min(Chunk, size - start));
                    var (end, read) = await SampleVersions.ReadAsync(lease.Version, range, 1 << 20);
                    Assert.True(bytes.AsSpan((int)start, read.Length).SequenceEqual(read), $"bit at {offset}: {end}");
                }

                if (lease is null)
                    await SampleVersions.WriteAsync(house.Store, version, bytes);
            }

            await house.Store.DisposeAsync();
        }

        await house.StartAsync();
    }

    [Fact]
    public async Task Verdicts_survive_a_restart()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Chunk + 1, seed: 5);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(Chunk + 1, 5));
        using (var lease = (await house.Store.LeaseAsync(version.Id))!)
            Assert.True(await house.Store.WriteVerdictAsync(lease, Verdict.Origin, 7));
        await house.Store.DisposeAsync();
        using var again = (await (await house.StartAsync()).LeaseAsync(version.Id))!;
        Assert.Equal(Verdict.Origin, again.Version.Verdict);
    }

    [Fact]
    public async Task The_least_recently_used_goes_first_pinned_and_open_ones_stay()
    {
        await using var house = new StoreHouse(capacityBytes: 4 * Chunk);
        await house.StartAsync();
        var versions = Enumerable.Range(0, 6).Select(seed => SampleVersions.Of(Chunk, seed + 10)).ToArray();
        house.Pinned.Add(versions[0].Id);
        for (var index = 0; index < 4; index++)
        {
            house.Clock.Advance(TimeSpan.FromSeconds(1));
            await SampleVersions.WriteAsync(house.Store, versions[index], SampleVersions.Bytes(Chunk, index + 10));
        }

        using var open = await house.Store.LeaseAsync(versions[1].Id);
        house.Clock.Advance(TimeSpan.FromSeconds(1));
        await SampleVersions.WriteAsync(house.Store, versions[4], SampleVersions.Bytes(Chunk, 14));
        Assert.Null(await house.Store.LeaseAsync(versions[2].Id));
        Assert.False(File.Exists(house.PathOf(versions[2], ".data")));
        Assert.Equal(Chunk, house.Store.Counters.EvictedBytes);
        foreach (var kept in (int[])[0, 1, 3, 4])
            Assert.NotNull(await house.Store.LeaseAsync(versions[kept].Id));
        Assert.Equal(4 * Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_version_that_is_just_being_made_durable_is_as_old_as_it_is_and_goes_in_its_turn()
    {
        await using var house = new StoreHouse(capacityBytes: 2 * Chunk);
        await house.StartAsync();
        var versions = Enumerable.Range(0, 3).Select(seed => SampleVersions.Of(Chunk, seed + 30)).ToArray();
        await SampleVersions.WriteAsync(house.Store, versions[0], SampleVersions.Bytes(Chunk, 30));
        using var end = new ManualResetEventSlim();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        house.Disk.BeforeSync = _ =>
        {
            begun.TrySetResult();
            Assert.True(end.Wait(TimeSpan.FromSeconds(30)), "The sync was not let go.");
        };
        try
        {
            house.Clock.Advance(Limits.DurableBatchTime);
            await begun.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.False(house.Store.IsInUse(versions[0].Id));
            await SampleVersions.WriteAsync(house.Store, versions[1], SampleVersions.Bytes(Chunk, 31));
            house.Clock.Advance(TimeSpan.FromMilliseconds(1));
            // Its room is free when the sync lets go: the writer waits for it, and costs nobody else's bytes.
            var writing = SampleVersions.WriteAsync(house.Store, versions[2], SampleVersions.Bytes(Chunk, 32));
            await Eventually.HoldsAsync(
                "the oldest version is unlinked", () => new(!File.Exists(house.PathOf(versions[0], ".data"))),
                () => $"{house.Store.Bytes} bytes", TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            end.Set();
            await writing;
            Assert.Null(await house.Store.LeaseAsync(versions[0].Id));
            using var newer = await house.Store.LeaseAsync(versions[1].Id);
            Assert.NotNull(newer);
        }
        finally
        {
            house.Disk.BeforeSync = null;
            end.Set();
        }

        Assert.Equal(2 * Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task When_nothing_may_go_the_chunk_is_not_kept()
    {
        await using var house = new StoreHouse(capacityBytes: Chunk);
        var pinned = SampleVersions.Of(Chunk, 20);
        house.Pinned.Add(pinned.Id);
        await SampleVersions.WriteAsync(await house.StartAsync(), pinned, SampleVersions.Bytes(Chunk, 20));
        var other = SampleVersions.Of(Chunk, 21);
        var bytes = SampleVersions.Bytes(Chunk, 21);
        using var lease = (await house.Store.LeaseOrCreateAsync(other)).Value;
        var written = await house.Store.WriteChunkAsync(
            lease, new ChunkWrite(0, bytes, SampleVersions.BlockCrcs(bytes)));
        Assert.Equal(Thaw.Core.Failures.FailureKind.DiskFull, written.Failure?.Kind);
        Assert.False(lease.Version.Has(0));
        Assert.Equal(Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_dropped_version_is_read_to_its_end_by_those_who_hold_it()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(2 * Chunk, 22);
        var bytes = SampleVersions.Bytes(2 * Chunk, 22);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        Assert.Equal(2 * Chunk, await house.Store.DropAsync(version.Id));
        Assert.Null(await house.Store.LeaseAsync(version.Id));
        var (end, read) = await SampleVersions.ReadAsync(lease.Version, ByteRange.All(2 * Chunk), 1 << 20);
        Assert.Equal(ReadKind.Hit, end);
        Assert.Equal(bytes, read);
        Assert.Equal(0, house.Store.Bytes);
    }

    private static void FlipBit(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var one = new byte[1];
        RandomAccess.Read(file, one, offset);
        one[0] ^= 0x10;
        RandomAccess.Write(file, one, offset);
    }
}
