using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Storage.Eviction;

public sealed class EvictionTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_victim_that_is_not_sealed_gives_up_its_last_chunks_and_their_blocks()
    {
        await using var house = new StoreHouse(capacityBytes: 4 * Chunk);
        var (large, small) = (SampleVersions.Of(4 * Chunk, 1), SampleVersions.Of(Chunk, 2));
        var bytes = SampleVersions.Bytes(4 * Chunk, 1);
        await SampleVersions.WriteAsync(await house.StartAsync(), large, bytes);
        var before = AllocatedBytes(house.PathOf(large, ".data"));
        await SampleVersions.WriteAsync(house.Store, small, SampleVersions.Bytes(Chunk, 2));
        Assert.True(AllocatedBytes(house.PathOf(large, ".data")) <= before - Chunk);
        for (var run = 0; run < 2; run++)
        {
            Assert.Equal(4 * Chunk, house.Store.Bytes);
            using (var lease = await house.Store.LeaseAsync(large.Id, Stop))
            {
                Assert.Equal((true, true, true, false),
                    (lease!.Version.Has(0), lease.Version.Has(1), lease.Version.Has(2), lease.Version.Has(3)));
                var (end, read) = await SampleVersions.ReadAsync(lease.Version, new ByteRange(0, 3 * Chunk), 1 << 20);
                Assert.Equal(ReadKind.Hit, end);
                Assert.True(bytes.AsSpan(0, 3 * Chunk).SequenceEqual(read));
            }

            await house.Store.DisposeAsync();
            await house.StartAsync();
        }

        Assert.Equal(0, house.Store.Counters.CorruptChunks);
        await SampleVersions.WriteAsync(house.Store, large, bytes, 3);
        Assert.Equal(4 * Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_sealed_victim_goes_whole_and_is_never_punched()
    {
        await using var house = new StoreHouse(capacityBytes: 3 * Chunk);
        var version = SampleVersions.Of(3 * Chunk, 3);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(3 * Chunk, 3));
        using (var lease = await house.Store.LeaseAsync(version.Id, Stop))
            Assert.True(await house.Store.SealAsync(lease!, Stop));
        using var kept = File.OpenRead(house.PathOf(version, ".data"));
        await SampleVersions.WriteAsync(house.Store, SampleVersions.Of(Chunk, 4), SampleVersions.Bytes(Chunk, 4));
        Assert.Null(await house.Store.LeaseAsync(version.Id, Stop));
        var bytes = new byte[3 * Chunk];
        await kept.ReadExactlyAsync(bytes, Stop);
        Assert.Equal(SampleVersions.Bytes(3 * Chunk, 3), bytes);
        Assert.Equal(Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_chunk_of_something_colder_is_not_kept_and_one_that_a_job_wants_is()
    {
        await using var house = new StoreHouse(capacityBytes: 2 * Chunk);
        var (warm, pinned) = (SampleVersions.Of(Chunk, 5), SampleVersions.Of(Chunk, 8));
        await SampleVersions.WriteAsync(await house.StartAsync(), warm, SampleVersions.Bytes(Chunk, 5));
        house.Pinned.Add(pinned.Id);
        await SampleVersions.WriteAsync(house.Store, pinned, SampleVersions.Bytes(Chunk, 8));
        for (var use = 0; use < 5; use++)
            house.Store.NoteRead(warm.Id, warm.SizeBytes, warm.SizeBytes);
        var cold = SampleVersions.Of(Chunk, 6);
        Assert.False(house.Store.IsWorth(cold, Chunk, KeepWish.IfWorth));
        Assert.True(house.Store.IsWorth(cold, Chunk, KeepWish.Always));
        using (await house.Store.LeaseAsync(warm.Id, Stop))
            Assert.False(house.Store.IsWorth(cold, Chunk, KeepWish.Always));
        Assert.True(house.Store.IsWorth(cold, Chunk, KeepWish.Always));
        for (var use = 0; use < 20; use++)
            house.Store.NoteRead(cold.Id, cold.SizeBytes, cold.SizeBytes);
        Assert.True(house.Store.IsWorth(cold, Chunk, KeepWish.IfWorth));
    }

    [Fact]
    public async Task What_is_warm_is_known_after_a_restart()
    {
        await using var house = new StoreHouse(capacityBytes: 4 * Chunk);
        await house.StartAsync();
        var versions = Enumerable.Range(0, 4).Select(seed => SampleVersions.Of(Chunk, seed + 30)).ToArray();
        for (var index = 0; index < 4; index++)
            await SampleVersions.WriteAsync(house.Store, versions[index], SampleVersions.Bytes(Chunk, index + 30));
        for (var use = 0; use < 3; use++)
            foreach (var warm in (int[])[0, 1, 3])
                house.Store.NoteRead(versions[warm].Id, Chunk, Chunk);
        await house.Store.DisposeAsync();
        await house.StartAsync();
        await SampleVersions.WriteAsync(house.Store, SampleVersions.Of(Chunk, 40), SampleVersions.Bytes(Chunk, 40));
        Assert.Null(await house.Store.LeaseAsync(versions[2].Id, Stop));
        foreach (var warm in (int[])[0, 1, 3])
            Assert.NotNull(await house.Store.LeaseAsync(versions[warm].Id, Stop));
    }

    [Fact]
    public async Task Damaged_notes_are_no_notes()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Chunk, 7);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(Chunk, 7));
        await house.Store.DisposeAsync();
        var path = HeatNotes.PathIn(house.Root);
        var content = await File.ReadAllBytesAsync(path, Stop);
        foreach (var damage in (int[])[0, 9, 20, content.Length / 2, content.Length - 1])
        {
            var damaged = (byte[])content.Clone();
            damaged[damage] ^= 0x40;
            await File.WriteAllBytesAsync(path, damaged, Stop);
            Assert.Null(HeatNotes.TryRead(new FileSystem(), house.Root));
        }

        await File.WriteAllBytesAsync(path, content[..^3], Stop);
        Assert.Null(HeatNotes.TryRead(new FileSystem(), house.Root));
        await house.StartAsync();
        Assert.Equal(Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_lower_capacity_takes_effect_at_once()
    {
        await using var house = new StoreHouse(capacityBytes: 8 * Chunk);
        await house.StartAsync();
        for (var seed = 50; seed < 58; seed++)
            await SampleVersions.WriteAsync(
                house.Store, SampleVersions.Of(Chunk, seed), SampleVersions.Bytes(Chunk, seed));
        house.Store.SetCapacities([new DiskOptions(house.Root, 3 * Chunk)]);
        await Eventually.HoldsAsync(
            "eviction", () => ValueTask.FromResult(house.Store.Bytes <= 3 * Chunk),
            () => $"{house.Store.Bytes} bytes", TimeSpan.FromSeconds(20), Stop);
        Assert.Equal(3 * Chunk, house.Store.Capacity);
    }

    [Fact]
    public async Task Writers_at_once_stay_within_the_capacity()
    {
        await using var house = new StoreHouse(capacityBytes: 5 * Chunk);
        await house.StartAsync();
        var bytes = SampleVersions.Bytes(2 * Chunk, 80);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var turn = 0; turn < 12; turn++)
            {
                var version = SampleVersions.Of(2 * Chunk, 1000 + 100 * writer + turn);
                // One that others' chunks push out before it has any is not kept.
                using var lease = (await house.Store.LeaseOrCreateAsync(version, Stop)).ValueOrDefault;
                for (var chunk = 0; lease is not null && chunk < 2; chunk++)
                {
                    var piece = bytes.AsMemory(chunk * Chunk, Chunk);
                    await house.Store.WriteChunkAsync(
                        lease, new ChunkWrite(chunk, piece, SampleVersions.BlockCrcs(piece.Span)));
                    Assert.InRange(house.Store.Bytes, 0, 5 * Chunk);
                }
            }
        })));
        Assert.True(house.Store.Counters.EvictedBytes > 0, "Nothing had to go.");
    }

    [Fact]
    public async Task A_disk_that_is_full_in_the_middle_of_a_write_is_given_room_once()
    {
        await using var house = new StoreHouse();
        await house.StartAsync();
        var (old, other) = (SampleVersions.Of(2 * Chunk, 90), SampleVersions.Of(Chunk, 91));
        await SampleVersions.WriteAsync(house.Store, old, SampleVersions.Bytes(2 * Chunk, 90));
        var (left, full) = (3, 1);
        house.Disk.BeforeWrite = path =>
        {
            if (path == house.PathOf(other, ".data") && --left < 0 && full-- > 0)
                throw new IOException("no space", Native.ErrorNoSpace);
        };
        await SampleVersions.WriteAsync(house.Store, other, SampleVersions.Bytes(Chunk, 91));
        Assert.Equal((2L * Chunk, Chunk), (house.Store.Bytes, house.Store.Counters.EvictedBytes));
        // The next disk that is full has nothing that may go: the chunk is not kept, and nothing of it stays.
        house.Pinned.UnionWith([old.Id, other.Id]);
        var third = SampleVersions.Of(Chunk, 92);
        left = 3;
        house.Disk.BeforeWrite = path =>
        {
            if (path == house.PathOf(third, ".data") && --left < 0)
                throw new IOException("no quota", Native.ErrorQuota);
        };
        using var lease = (await house.Store.LeaseOrCreateAsync(third, Stop)).Value;
        var bytes = SampleVersions.Bytes(Chunk, 92);
        var written = await house.Store.WriteChunkAsync(
            lease, new ChunkWrite(0, bytes, SampleVersions.BlockCrcs(bytes)));
        Assert.Equal(FailureKind.DiskFull, written.Failure?.Kind);
        Assert.Equal(0, AllocatedBytes(house.PathOf(third, ".data")));
        Assert.Equal(2 * Chunk, house.Store.Bytes);
    }

    [Fact]
    public async Task A_quota_is_kept_by_its_owners_own_versions()
    {
        var rules = new TestRules { Quota = 2 * Chunk };
        await using var house = new StoreHouse(capacityBytes: 16 * Chunk) { Rules = rules };
        await house.StartAsync();
        var others = SampleVersions.Of(Chunk, 60);
        await SampleVersions.WriteAsync(house.Store, others, SampleVersions.Bytes(Chunk, 60));
        for (var seed = 61; seed < 66; seed++)
        {
            var version = SampleVersions.Of(Chunk, seed);
            rules.Owned.Add(version.Id);
            await SampleVersions.WriteAsync(house.Store, version, SampleVersions.Bytes(Chunk, seed));
        }

        Assert.Equal(3 * Chunk, house.Store.Bytes);
        Assert.NotNull(await house.Store.LeaseAsync(others.Id, Stop));
    }

    [Fact]
    public async Task What_nobody_reads_for_its_time_to_live_goes()
    {
        var rules = new TestRules { Ttl = TimeSpan.FromHours(1) };
        await using var house = new StoreHouse { Rules = rules };
        await house.StartAsync();
        var (read, unread) = (SampleVersions.Of(Chunk, 70), SampleVersions.Of(Chunk, 71));
        rules.Owned.UnionWith([read.Id, unread.Id]);
        await SampleVersions.WriteAsync(house.Store, read, SampleVersions.Bytes(Chunk, 70));
        await SampleVersions.WriteAsync(house.Store, unread, SampleVersions.Bytes(Chunk, 71));
        house.Clock.Advance(TimeSpan.FromMinutes(40));
        (await house.Store.LeaseAsync(read.Id, Stop))?.Dispose();
        house.Clock.Advance(TimeSpan.FromMinutes(40));
        await Eventually.HoldsAsync("expiry", () =>
        {
            house.Clock.Advance(TimeSpan.FromSeconds(5));
            return ValueTask.FromResult(house.Store.Bytes == Chunk);
        }, () => $"{house.Store.Bytes} bytes", TimeSpan.FromSeconds(20), Stop);
        Assert.NotNull(await house.Store.LeaseAsync(read.Id, Stop));
    }

    [Fact]
    public void The_kernel_says_how_much_of_a_file_is_in_memory()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["file"], new byte[1 << 20]);
        using var file = File.OpenHandle(folder["file"]);
        Assert.Equal(1 << 20, PageCache.ByMincore(file, 1 << 20));
        Assert.Equal(1 << 20, PageCache.ResidentBytes(file, 1 << 20));
    }

    private static long AllocatedBytes(string path)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("stat", ["--format=%b", path]) { RedirectStandardOutput = true })!;
        var blocks = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return 512 * long.Parse(blocks, System.Globalization.CultureInfo.InvariantCulture);
    }

    private sealed class TestRules : IKeepRules
    {
        public HashSet<ContentId> Owned { get; } = [];

        public long? Quota { get; init; }

        public TimeSpan? Ttl { get; init; }

        public bool AnyExpires => Ttl is not null;

        public KeepRule Of(ContentId id) => Owned.Contains(id) ? new KeepRule(1, Ttl: Ttl) : default;

        public long? QuotaOf(int owner) => owner == 1 ? Quota : null;
    }
}
