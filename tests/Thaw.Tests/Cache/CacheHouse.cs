using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Cache;
using Thaw.Cache.Naming;
using Thaw.Cache.Peering;
using Thaw.Cluster.Membership;
using Thaw.Core.Cluster;
using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Daemon;
using Thaw.Origins;
using Thaw.Storage;
using Thaw.Storage.Disks;
using Thaw.Storage.Names;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Thaw.Tests.Storage;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>A cache with all its rooms over a real origin server and a real disk that can be made to fail.</summary>
internal sealed class CacheHouse : IAsyncDisposable
{
    private static readonly ClusterMember Self =
        new() { Name = "node-1", Addresses = [new NodeAddress("127.0.0.1", 7402)] };

    public const string Bucket = "bucket";

    private readonly TempFolder _folder = new();
    private OriginFactory _origins = null!; // made in StartAsync

    public FaultyOrigin Origin { get; private init; } = null!;

    public FaultyDisk Disk { get; } = new();

    public JumpingClock Clock { get; } = new();

    public ChunkStore Store { get; private set; } = null!;

    public ModelCache Cache { get; private set; } = null!;

    public NodeStats Stats => Cache.Control.GetStats();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<CacheHouse> StartAsync(
        long memoryBytes = 128L << 20, long capacityBytes = 1L << 30, bool hasDisk = true,
        Func<MountConfig, MountConfig>? mount = null, DiskThresholds? thresholds = null)
    {
        var house = new CacheHouse { Origin = await FaultyOrigin.StartAsync() };
        house.Origin.AddBucket(Bucket);
        // Maps count too, and tests count in chunks.
        DiskOptions[] disks = hasDisk ? [new DiskOptions(house._folder["cache"], capacityBytes + (1 << 20))] : [];
        var rules = new DeferredRules();
        house.Store = ChunkStore.Open(disks, new StoreContext(
            NullLogger.Instance, house.Clock, new StoreCounters(), house.Disk, id => rules.Of(id).IsPinned, null)
        {
            Rules = rules,
            Thresholds = thresholds ?? new DiskThresholds(),
        });
        await house.Store.Scan;
        house._origins = new OriginFactory(
            new OriginsConfig(), NullLoggerFactory.Instance, TimeProvider.System, () => 0);
        var config = S3OriginUnderTest.MountOf(house.Origin.Endpoint, Bucket);
        config = mount?.Invoke(config) ?? config;
        var meter = new MountMeter(config.Name);
        var names = NameTable.Open(config.Name, null, house.Clock, NullLogger.Instance);
        var source = new MountSource(config, house._origins.Create(config, meter), names, meter);
        house.Cache = new ModelCache(
            new ClusterLink("default", new StaticMembership(Self, [])), memoryBytes, house.Store, [source],
            NullLoggerFactory.Instance, house.Clock);
        rules.Set(house.Cache.Rules);
        house.Store.NoteRules();
        return house;
    }

    public FakeContent Put(string key, long size, int seed, FakeObjectOptions? options = null)
    {
        var content = FakeContent.Of(size, seed);
        Origin.Put(Bucket, key, content, options);
        return content;
    }

    public ValueTask<Result<ObjectVersion>> ResolveAsync(string key) =>
        Cache.Reader.ResolveAsync(new ObjectPath("models", key), Stop);

    /// <summary>Reads a range, or what comes of it before a failure.</summary>
    public async Task<(byte[] Bytes, Failure? Failure)> ReadAsync(
        string key, ByteRange? range = null, CancellationToken? cancellation = null, Action<int>? progress = null)
    {
        if (!(await ResolveAsync(key)).TryGet(out var version, out var missing))
            return ([], missing);
        var whole = range ?? ByteRange.All(version.SizeBytes);
        await using var reader = Cache.Reader.OpenRange(new ObjectPath("models", key), version, whole, Face.S3);
        var bytes = new byte[whole.Length];
        for (var done = 0; done < bytes.Length;)
        {
            var most = Math.Min(bytes.Length - done, Geometry.BlockBytes);
            var read = await reader.ReadAsync(bytes.AsMemory(done, most), cancellation ?? Stop);
            if (!read.TryGet(out var count, out var failure))
                return (bytes[..done], failure);
            Assert.InRange(count, 1, most);
            done += count;
            progress?.Invoke(done);
        }

        return (bytes, null);
    }

    public async Task AssertReadsAsync(string key, FakeContent content)
    {
        var (bytes, failure) = await ReadAsync(key);
        Assert.Null(failure);
        Assert.True(bytes.AsSpan().SequenceEqual(content.ToArray()), $"{key} has other bytes.");
    }

    public async Task<JobStatus> RunJobAsync(string kind, params string[] paths) =>
        await EndOfAsync((await Cache.Control.StartJobAsync(new JobRequest(kind, [.. paths]), Stop)).Value.Id);

    public async Task<JobStatus> EndOfAsync(string id)
    {
        var status = Cache.Control.GetJob(id)!;
        await HoldsAsync($"job {id} ends", () => (status = Cache.Control.GetJob(id)!).State != "running");
        return status;
    }

    public Task HoldsAsync(string phase, Func<bool> condition) => Eventually.HoldsAsync(
        phase, () => new(condition()), () => $"{string.Join("\n", Origin.Log.Requests)}\n{Stats}",
        TimeSpan.FromSeconds(20), Stop);

    /// <summary>Readers are gone, fetches over, buffers back but those of chunks that no disk keeps.</summary>
    public Task IsIdleAsync(long unkeptBytes = 0) => HoldsAsync(
        "nothing is in flight",
        () => Stats.InFlight is { Chunks: 0, Readers: 0 } idle && idle.MemoryBytes == unkeptBytes);

    public async ValueTask DisposeAsync()
    {
        await Cache.DisposeAsync();
        Assert.Equal(0, Stats.InFlight.MemoryBytes);
        await Store.DisposeAsync();
        _origins.Dispose();
        await Origin.DisposeAsync();
        _folder.Dispose();
    }
}
