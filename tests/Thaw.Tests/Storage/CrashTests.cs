using CsCheck;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>What is left when the process or the machine stops, and when the disk answers with errors.</summary>
public sealed class CrashTests
{
    private const int Chunk = Geometry.ChunkBytes;

    [Fact]
    public async Task After_a_power_cut_durable_chunks_are_here_and_lost_ones_are_counted_as_lost_not_as_corrupt()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(4 * Chunk, 30);
        var bytes = SampleVersions.Bytes(4 * Chunk, 30);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes, 0, 1);
        await SyncAsync(house);
        // The machine stops with chunk 2 entered but its data lost: as if the kernel had written the map first.
        await SampleVersions.WriteAsync(house.Store, version, bytes, 2);
        house.Disk.BeforeSync = _ => throw new IOException("the machine is gone");
        await house.Store.DisposeAsync();
        house.Disk.BeforeSync = null;
        using (var data = File.OpenHandle(house.PathOf(version, ".data"), FileMode.Open, FileAccess.Write))
            RandomAccess.Write(data, new byte[4096], 2L * Chunk + 8192);
        RestoreEntry(house, version, 2, bytes);
        house.BootId = "second boot";
        await house.StartAsync();
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        Assert.Equal(
            ReadKind.Hit, (await SampleVersions.ReadAsync(lease.Version, new ByteRange(0, 2 * Chunk), 1 << 20)).End);
        Assert.Equal(
            ReadKind.Bad, (await SampleVersions.ReadAsync(lease.Version, new ByteRange(2 * Chunk, 100), 100)).End);
        Assert.Equal(1, house.Store.Counters.LostInCrash);
        Assert.Equal(0, house.Store.Counters.CorruptChunks);
    }

    [Fact]
    public void Random_writes_kills_and_power_cuts_never_give_wrong_bytes_and_never_lose_what_is_durable() =>
        Gen.Int[0, int.MaxValue].Sample(seed => RunAsync(seed).GetAwaiter().GetResult(), iter: 8, threads: 1);

    [Fact]
    public async Task A_failed_sync_drops_what_it_was_to_make_durable()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(2 * Chunk, 31);
        var bytes = SampleVersions.Bytes(2 * Chunk, 31);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes, 0);
        await SyncAsync(house);
        await SampleVersions.WriteAsync(house.Store, version, bytes, 1);
        var failed = new TaskCompletionSource();
        house.Disk.BeforeSync = _ =>
        {
            failed.TrySetResult();
            throw new IOException("no", 5);
        };
        house.Clock.Advance(Limits.DurableBatchTime * 2);
        await failed.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        house.Disk.BeforeSync = null;
        await house.Store.DisposeAsync();
        using var lease = (await (await house.StartAsync()).LeaseAsync(version.Id))!;
        Assert.True(lease.Version.Has(0));
        Assert.False(lease.Version.Has(1));
    }

    [Theory]
    [InlineData(28, FailureKind.DiskFull)]
    [InlineData(122, FailureKind.DiskFull)]
    [InlineData(5, FailureKind.DiskFailed)]
    public async Task A_write_that_fails_is_a_result_and_leaves_the_chunk_absent(int errno, FailureKind kind)
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Chunk, 32);
        var bytes = SampleVersions.Bytes(Chunk, 32);
        await house.StartAsync();
        using var lease = (await house.Store.LeaseOrCreateAsync(version)).Value;
        house.Disk.BeforeWrite = _ => throw new IOException("injected", errno);
        var written = await house.Store.WriteChunkAsync(
            lease, new ChunkWrite(0, bytes, SampleVersions.BlockCrcs(bytes)));
        Assert.Equal(kind, written.Failure?.Kind);
        house.Disk.BeforeWrite = null;
        Assert.False(lease.Version.Has(0));
        Assert.Equal(0, house.Store.Bytes);
        await SampleVersions.WriteAsync(house.Store, version, bytes);
        Assert.True(lease.Version.IsComplete);
    }

    [Fact]
    public async Task Leftovers_of_a_crash_are_removed_and_newer_formats_are_left_alone()
    {
        await using var house = new StoreHouse();
        var orphan = SampleVersions.Of(Chunk, 33);
        var unfinished = SampleVersions.Of(Chunk, 34);
        var newer = SampleVersions.Of(Chunk, 35);
        await SampleVersions.WriteAsync(await house.StartAsync(), newer, SampleVersions.Bytes(Chunk, 35));
        await house.Store.DisposeAsync();
        Directory.CreateDirectory(Path.GetDirectoryName(house.PathOf(orphan, ".data"))!);
        Directory.CreateDirectory(Path.GetDirectoryName(house.PathOf(unfinished, ".data"))!);
        File.WriteAllBytes(house.PathOf(orphan, ".data"), new byte[100]);
        File.WriteAllBytes(house.PathOf(unfinished, ".data"), new byte[100]);
        File.WriteAllBytes(house.PathOf(unfinished, ".map"), new byte[1024]);
        var map = File.ReadAllBytes(house.PathOf(newer, ".map"));
        map[10] = 2;
        BitConverter.TryWriteBytes(map.AsSpan(508), Thaw.Core.Checksums.Crc32C.Compute(map.AsSpan(0, 508)));
        File.WriteAllBytes(house.PathOf(newer, ".map"), map);
        await house.StartAsync();
        Assert.False(File.Exists(house.PathOf(orphan, ".data")));
        Assert.False(File.Exists(house.PathOf(unfinished, ".map")));
        Assert.Null(await house.Store.LeaseAsync(newer.Id));
        Assert.Equal(map, File.ReadAllBytes(house.PathOf(newer, ".map")));
        Assert.Equal(0, house.Store.Counters.CorruptChunks);
    }

    [Fact]
    public async Task A_directory_serves_one_process_and_formats_it_knows()
    {
        await using var house = new StoreHouse();
        await house.StartAsync();
        var second = Assert.ThrowsAny<IOException>(() => OpenAgain(house));
        Assert.Contains("used by another", second.Message, StringComparison.Ordinal);
        await house.Store.DisposeAsync();
        File.WriteAllText(Path.Combine(house.Root, "format"), "thaw-cache 2\n");
        Assert.Contains("newer", Assert.Throws<IOException>(() => OpenAgain(house)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(house.Root, "format"), "thaw-cache 1\n");
        await house.StartAsync();
    }

    private static void OpenAgain(StoreHouse house) => Thaw.Storage.ChunkStore.Open(
        [new Thaw.Storage.DiskOptions(house.Root, 1 << 20)], new Thaw.Storage.Eviction.PinRules(_ => false),
        Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System);

    private static async Task SyncAsync(StoreHouse house)
    {
        var path = Path.Combine(house.Root, "run");
        await house.Store.DisposeAsync();
        Assert.Contains("clean=yes", File.ReadAllText(path), StringComparison.Ordinal);
        await house.StartAsync();
    }

    /// <summary>Enters a chunk as written by the present boot, whatever its data is.</summary>
    private static void RestoreEntry(StoreHouse house, ObjectVersion version, int chunk, byte[] bytes)
    {
        var crcs = SampleVersions.BlockCrcs(bytes.AsSpan(chunk * Chunk, Chunk));
        var seed = Thaw.Storage.Format.ChunkEntry.Seed(version.Id, chunk);
        var tag = Thaw.Core.Checksums.Crc32C.Compute(System.Text.Encoding.ASCII.GetBytes(house.BootId));
        var entry = new byte[Thaw.Storage.Format.MapLayout.EntryBytes];
        new Thaw.Storage.Format.ChunkEntry(
            Thaw.Storage.Format.ChunkState.Written, tag, Thaw.Storage.Format.ChunkEntry.CrcOfList(seed, crcs), null)
                .Write(entry, seed);
        using var map = File.OpenHandle(house.PathOf(version, ".map"), FileMode.Open, FileAccess.Write);
        RandomAccess.Write(map, entry, Thaw.Storage.Format.MapLayout.EntryOffset(chunk));
    }

    private static async Task RunAsync(int seed)
    {
        var random = new Random(seed);
        await using var house = new StoreHouse();
        var versions = Enumerable.Range(0, 3)
            .Select(index => SampleVersions.Of(random.NextInt64(1, 3 * Chunk), random.Next())).ToArray();
        var contents = versions.Select((version, index) => SampleVersions.Bytes(version.SizeBytes, index)).ToArray();
        var durable = versions.Select(_ => new HashSet<int>()).ToArray();
        await house.StartAsync();
        for (var step = 0; step < 25; step++)
        {
            var pick = random.Next(versions.Length);
            var chunk = random.Next(Geometry.ChunkCount(versions[pick].SizeBytes));
            switch (random.Next(6))
            {
                case 0:
                    await house.Store.DisposeAsync();
                    await house.StartAsync();
                    for (var index = 0; index < versions.Length; index++)
                        durable[index] = await PresentAsync(house, versions[index]);
                    break;
                case 1:
                    await CutAsync(house, step);
                    for (var index = 0; index < versions.Length; index++)
                        await CheckAsync(house, versions[index], contents[index], durable[index], seed);
                    break;
                default:
                    await SampleVersions.WriteAsync(house.Store, versions[pick], contents[pick], chunk);
                    break;
            }
        }

        for (var index = 0; index < versions.Length; index++)
            await CheckAsync(house, versions[index], contents[index], durable[index], seed);
        Assert.Equal(0, house.Store.Counters.CorruptChunks);
    }

    private static async Task CutAsync(StoreHouse house, int step)
    {
        house.Disk.BeforeSync = _ => throw new IOException("the machine is gone");
        house.Disk.BeforeWrite = _ => throw new IOException("the machine is gone");
        await house.Store.DisposeAsync();
        house.Disk.BeforeSync = null;
        house.Disk.BeforeWrite = null;
        house.Disk.CutPower();
        house.BootId = $"boot after step {step}";
        await house.StartAsync();
    }

    private static async Task<HashSet<int>> PresentAsync(StoreHouse house, ObjectVersion version)
    {
        using var lease = await house.Store.LeaseAsync(version.Id);
        return lease is null ? [] : [.. Enumerable.Range(0, lease.Version.ChunkCount).Where(lease.Version.Has)];
    }

    private static async Task CheckAsync(
        StoreHouse house, ObjectVersion version, byte[] bytes, HashSet<int> durable, int seed)
    {
        using var lease = await house.Store.LeaseAsync(version.Id);
        Assert.True(lease is not null || durable.Count == 0, $"seed {seed}: a version with durable chunks is gone");
        for (var chunk = 0; lease is not null && chunk < lease.Version.ChunkCount; chunk++)
        {
            var range = ByteRange.OfChunk(version.SizeBytes, chunk);
            var (end, read) = await SampleVersions.ReadAsync(lease.Version, range, 1 << 20);
            Assert.True(bytes.AsSpan((int)range.Start, read.Length).SequenceEqual(read),
                $"seed {seed}: wrong bytes in {chunk}");
            Assert.True(
                end == ReadKind.Hit || !durable.Contains(chunk), $"seed {seed}: durable chunk {chunk} is {end}");
        }
    }
}
