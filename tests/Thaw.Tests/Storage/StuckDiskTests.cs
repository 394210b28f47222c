using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Disks;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>A disk that does not answer, or answers with errors only, costs its content and nothing else.</summary>
public sealed class StuckDiskTests : IDisposable
{
    private const int Chunk = Geometry.ChunkBytes;

    private readonly TempFolder _folder = new();
    private readonly FaultyDisk _disk = new();

    private static readonly DiskThresholds Quick = new()
    {
        Stuck = TimeSpan.FromMilliseconds(300),
        StuckSync = TimeSpan.FromMilliseconds(300),
        Watch = TimeSpan.FromMilliseconds(20),
        Probe = TimeSpan.FromMilliseconds(50),
        SlowFor = TimeSpan.FromMilliseconds(100),
        Slow = TimeSpan.FromMilliseconds(200),
    };

    private string Bad => _folder["bad"];

    [Fact]
    public async Task A_stuck_write_stops_its_disk_alone_and_comes_back()
    {
        await using var store = await OpenAsync();
        var versions = await FillAsync(store, 4);
        var (onBad, onGood) = (versions.First(IsOnBad), versions.First(version => !IsOnBad(version)));
        using var stuck = new StuckCall();
        using (var lease = (await store.LeaseAsync(onBad.Id))!)
        {
            _disk.BeforeWrite = path => HoldIfBad(path, stuck);
            var bytes = SampleVersions.Bytes(2 * Chunk, 1).AsMemory(Chunk);
            var ended = new TaskCompletionSource();
            var writing = store.WriteChunkAsync(
                lease, new ChunkWrite(1, bytes, SampleVersions.BlockCrcs(bytes.Span)), ended.SetResult);
            await stuck.Met;
            Assert.Equal(FailureKind.DiskFailed, (await writing).Failure?.Kind);
            Assert.False(ended.Task.IsCompleted, "The bytes were given back while the disk has them.");
            await HoldsAsync(store, "the disk fails", () => StateOf(store) == DiskState.Failing);
            // What is there is still read, and everything else goes on elsewhere.
            await AssertReadsAsync(store, onBad);
            await AssertReadsAsync(store, onGood);
            foreach (var version in await FillAsync(store, 4, 10))
                Assert.False(IsOnBad(version));
            stuck.Free();
            await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }

        _disk.BeforeWrite = null;
        await HoldsAsync(store, "the disk is back", () => StateOf(store) == DiskState.Healthy);
        Assert.Contains(await FillAsync(store, 4, 20), IsOnBad);
    }

    [Fact]
    public async Task A_stuck_read_is_a_miss_and_leaves_the_callers_buffer_alone()
    {
        await using var store = await OpenAsync();
        var versions = await FillAsync(store, 4);
        var (onBad, onGood) = (versions.First(IsOnBad), versions.First(version => !IsOnBad(version)));
        using var stuck = new StuckCall();
        using var lease = (await store.LeaseAsync(onBad.Id))!;
        (_disk.IsCold, _disk.BeforeRead) = (true, path => HoldIfBad(path, stuck));
        var buffer = new byte[1000];
        var read = await lease.Version.ReadAsync(0, buffer, TestContext.Current.CancellationToken);
        Assert.Equal(ReadKind.Miss, read.Kind);
        Assert.False(store.Has(onBad.Id, 0));
        Assert.Null(await store.LeaseAsync(onBad.Id));
        await AssertReadsAsync(store, onGood);
        (_disk.IsCold, _disk.BeforeRead) = (false, null);
        stuck.Free();
        await HoldsAsync(store, "the disk is back", () => StateOf(store) == DiskState.Healthy);
        Assert.All(buffer, one => Assert.Equal(0, one));
        await AssertReadsAsync(store, onBad);
        Assert.Equal((0, 0), (store.Counters.CorruptChunks, store.Counters.LostInCrash));
    }

    [Fact]
    public async Task A_stuck_disk_is_left_behind_when_the_store_is_closed()
    {
        var store = await OpenAsync();
        var onBad = (await FillAsync(store, 4)).First(IsOnBad);
        using var stuck = new StuckCall();
        _disk.BeforeDelete = path => HoldIfBad(path, stuck);
        Assert.Equal(0, await store.DropAsync(onBad.Id));
        Assert.Null(await store.LeaseAsync(onBad.Id));
        await store.DisposeAsync().AsTask()
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_disk_whose_every_call_fails_is_gone_loses_nothing_and_comes_back_without_twins()
    {
        await using var store = await OpenAsync();
        var versions = await FillAsync(store, 4);
        var onBad = versions.First(IsOnBad);
        var bytes = store.Bytes;
        _disk.IsCold = true;
        _disk.BeforeRead = _disk.BeforeWrite = _disk.BeforeSync = FailIfBad;
        using (var lease = (await store.LeaseAsync(onBad.Id))!)
        {
            var read = await lease.Version.ReadAsync(0, new byte[1000], TestContext.Current.CancellationToken);
            Assert.Equal(ReadKind.Miss, read.Kind);
        }

        Assert.Equal(DiskState.Gone, StateOf(store));
        Assert.Null(await store.LeaseAsync(onBad.Id));
        // Fetched again meanwhile, it lives elsewhere.
        await SampleVersions.WriteAsync(store, onBad, SampleVersions.Bytes(onBad.SizeBytes, 0), 0);
        await AssertReadsAsync(store, onBad);
        _disk.BeforeRead = _disk.BeforeWrite = _disk.BeforeSync = null;
        await HoldsAsync(store, "the disk is back", () => StateOf(store) == DiskState.Healthy);
        await HoldsAsync(store, "no version is twice", () => store.Bytes == bytes && store.Versions == versions.Count);
        foreach (var version in versions)
            await AssertReadsAsync(store, version);
        Assert.Equal((0, 0), (store.Counters.CorruptChunks, store.Counters.LostInCrash));
    }

    [Fact]
    public async Task One_sector_that_cannot_be_read_costs_its_block_and_not_the_disk()
    {
        await using var store = await OpenAsync();
        var onBad = (await FillAsync(store, 4)).First(IsOnBad);
        _disk.IsCold = true;
        _disk.BeforeRead = path => FailIfBad(path.EndsWith(".data", StringComparison.Ordinal) ? path : "");
        using var lease = (await store.LeaseAsync(onBad.Id))!;
        var read = await lease.Version.ReadAsync(0, new byte[1000], TestContext.Current.CancellationToken);
        Assert.Equal(ReadKind.Bad, read.Kind);
        Assert.Equal(DiskState.Healthy, StateOf(store));
        Assert.Equal(1, store.Counters.CorruptChunks);
        _disk.BeforeRead = null;
        var buffer = new byte[Chunk];
        var damaged = await lease.Version.SalvageAsync(0, buffer, TestContext.Current.CancellationToken);
        Assert.Equal(1u, damaged?.BadBlocks);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_disk_that_fails_or_hangs_at_the_start_joins_the_others_when_it_answers(bool hangs)
    {
        IReadOnlyList<ObjectVersion> versions;
        await using (var before = await OpenAsync())
            versions = await FillAsync(before, 4);
        var onBad = versions.First(IsOnBad);
        using var stuck = new StuckCall();
        _disk.BeforeWrite = path =>
        {
            if (hangs && path.Contains("/bad/", StringComparison.Ordinal))
                stuck.Hold();
            FailIfBad(hangs ? "" : path);
        };
        // However slow this machine is just now, the other disk is waited for.
        await using var store = await OpenAsync(Quick with { StuckSync = TimeSpan.FromSeconds(20) });
        Assert.Equal(DiskState.Failing, StateOf(store));
        Assert.False(store.IsOpen(Bad));
        Assert.Null(await store.LeaseAsync(onBad.Id));
        await AssertReadsAsync(store, versions.First(version => !IsOnBad(version)));
        // Fetched again meanwhile, it lives elsewhere.
        await SampleVersions.WriteAsync(store, onBad, SampleVersions.Bytes(onBad.SizeBytes, 0), 0);
        _disk.BeforeWrite = null;
        stuck.Free();
        await HoldsAsync(store, "the disk has joined", () => StateOf(store) == DiskState.Healthy);
        await HoldsAsync(store, "no version is twice",
            () => store.Versions == 4 && store.Bytes == 4L * Chunk);
        foreach (var version in versions)
            await AssertReadsAsync(store, version);
        Assert.Contains(await FillAsync(store, 4, 20), IsOnBad);
    }

    [Fact]
    public void A_store_whose_disks_all_fail_is_not_opened()
    {
        _disk.BeforeWrite = FailIfBad;
        var error = Assert.ThrowsAny<IOException>(() => ChunkStore.Open(
            [new DiskOptions(Bad, 1L << 30)],
            new StoreContext(
                NullLogger.Instance, TimeProvider.System, new StoreCounters(), _disk, static _ => false, "boot")));
        Assert.Contains("injected", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static void HoldIfBad(string path, StuckCall stuck)
    {
        if (path.Contains("/bad/versions", StringComparison.Ordinal))
            stuck.Hold();
    }

    private static void FailIfBad(string path)
    {
        if (path.Contains("/bad/", StringComparison.Ordinal))
            throw new IOException("injected", 5);
    }

    private DiskState StateOf(ChunkStore store) => store.Disks.Single(disk => disk.Path == Bad).State;

    private bool IsOnBad(ObjectVersion version) =>
        File.Exists(Path.Combine(Bad, "versions", version.Id.ToString()[..2], version.Id + ".map"));

    private async Task<ChunkStore> OpenAsync(DiskThresholds? thresholds = null)
    {
        var store = ChunkStore.Open(
            [new DiskOptions(Bad, 1L << 30), new DiskOptions(_folder["good"], 1L << 30)],
            new StoreContext(
                NullLogger.Instance, TimeProvider.System, new StoreCounters(), _disk, static _ => false, "boot")
            {
                Thresholds = thresholds ?? Quick,
            });
        await store.Scan;
        return store;
    }

    /// <summary>Versions of two chunks, of which the first is here.</summary>
    private static async Task<List<ObjectVersion>> FillAsync(ChunkStore store, int count, int seed = 0)
    {
        var versions = new List<ObjectVersion>();
        for (var index = 0; index < count; index++)
        {
            var version = SampleVersions.Of(2 * Chunk, seed + index);
            await SampleVersions.WriteAsync(store, version, SampleVersions.Bytes(2 * Chunk, 0), 0);
            versions.Add(version);
        }

        return versions;
    }

    private static async Task AssertReadsAsync(ChunkStore store, ObjectVersion version)
    {
        using var lease = await store.LeaseAsync(version.Id);
        Assert.NotNull(lease);
        var (end, bytes) = await SampleVersions.ReadAsync(lease.Version, new ByteRange(0, Chunk), 1 << 20);
        Assert.Equal(ReadKind.Hit, end);
        Assert.True(bytes.AsSpan().SequenceEqual(SampleVersions.Bytes(2 * Chunk, 0).AsSpan(0, Chunk)));
    }

    private static Task HoldsAsync(ChunkStore store, string phase, Func<bool> condition) => Eventually.HoldsAsync(
        phase, () => new(condition()), () => string.Join(", ", store.Disks), TimeSpan.FromSeconds(20),
        TestContext.Current.CancellationToken);
}
