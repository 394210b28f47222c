using System.Collections.Immutable;
using System.Globalization;
using Thaw.Cache.Fetching;
using Thaw.Cache.Jobs;
using Thaw.Cache.Naming;
using Thaw.Cache.Peering;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Storage;
using Thaw.Storage.Disks;

namespace Thaw.Cache;

/// <summary>What the control API asks: counters, objects, jobs, pins.</summary>
internal sealed class NodeControl(
    ClusterLink cluster, PeerHome? home, PeerCalls? calls, MountTable mounts, ChunkStore store, FlightTable flights,
    JobTable jobs, CacheMeter meter, TimeProvider clock) : INodeControl
{
    private readonly long _started = clock.GetTimestamp();
    private readonly ObjectView _objects = new(cluster.Membership.Self, home, mounts, store);
    private readonly KeepControl _keep = new(mounts, store, new ObjectFinder(mounts));

    public string? S3Endpoint { get; set; }

    public bool IsStopping { get; set; }

    public IPosixControl? Posix { get; set; }

    public NodeStats GetStats()
    {
        var meters = mounts.All.Select(mount => mount.Meter).ToArray();
        var reader = meters.Sum(one => one.OriginBytes(OriginCause.Reader));
        var s3 = TiersOf(meters, Face.S3);
        var hub = TiersOf(meters, Face.Hub);
        return new NodeStats(
            cluster.Membership.Self, ThawVersion.Text, clock.GetElapsedTime(_started).TotalSeconds,
            new OriginStats(
                meters.Sum(one => one.OriginBytes()), meters.Sum(one => one.Requests), meters.Sum(one => one.Throttled),
                meters.Sum(one => one.Errors),
                new CauseStats(
                    reader, meters.Sum(one => one.OriginBytes(OriginCause.Load)),
                    meters.Sum(one => one.OriginBytes(OriginCause.Revalidate)),
                    meters.Sum(one => one.OriginBytes(OriginCause.Retry)),
                    meters.Sum(one => one.OriginBytes(OriginCause.Takeover)))),
            new ServedStats(s3, hub, TiersOf(meters, Face.Peer)),
            Posix?.GetStats() ?? new PosixStats(0, 0, 0),
            HitRatio(reader, SumOf(s3) + SumOf(hub)),
            GetCacheStats(),
            new PeerStats(cluster.Client?.BytesIn ?? 0, cluster.Server?.BytesOut ?? 0),
            new InFlightStats(flights.Running, meter.Readers, flights.Buffers.UsedBytes, flights.Buffers.CapacityBytes))
        {
            S3Endpoint = S3Endpoint,
        };
    }

    public async ValueTask<NodeStats> GetClusterStatsAsync(CancellationToken cancellationToken)
    {
        var others = calls is null ? [] : await Task.WhenAll(
            calls.Others.Select(node => calls.GetStatsAsync(node, cancellationToken))).ConfigureAwait(false);
        return StatsSum.Of([GetStats(), .. others.Where(one => one.IsOk).Select(one => one.Value)]);
    }

    public ClusterStatus GetNodes()
    {
        var snapshot = cluster.Membership.Current;
        return new ClusterStatus(
            cluster.Name, cluster.Membership.Self, snapshot.Number,
            snapshot.Hash.ToString("x16", CultureInfo.InvariantCulture),
            [.. snapshot.Members.Select(member => new ClusterNode(
                member.Name, member.Zone, member.Weight, StateOf(member.State), member.Until,
                [.. member.Addresses.Select(address => address.ToString())]))]);
    }

    public IReadOnlyList<MountStatus> GetMounts() => [.. mounts.All.Select(mount => new MountStatus(
        mount.Config.Name, mount.Config.Bucket, mount.Config.Origin, mount.Config.Endpoint?.ToString(),
        mount.Names.Count, _objects.CachedBytesOf(mount), mount.Meter.OriginBytes(), mount.IsOriginReachable))];

    public ValueTask<Result<ObjectPage>> GetObjectsAsync(
        string path, string? continuation, int limit, CancellationToken cancellationToken) =>
        _objects.ListAsync(path, continuation, limit, cancellationToken);

    public ValueTask<Result<JobStatus>> StartJobAsync(JobRequest request, CancellationToken cancellationToken) =>
        new(jobs.Start(request));

    public IReadOnlyList<JobStatus> GetJobs() => jobs.GetAll();

    public JobStatus? GetJob(string id) => jobs.Get(id);

    public JobStatus? CancelJob(string id) => jobs.Cancel(id);

    public ValueTask<Result<FreeResult>> FreeAsync(PathsRequest request, CancellationToken cancellationToken) =>
        _keep.FreeAsync(request);

    public ValueTask<Result<PinResult>> SetPinAsync(
        PathsRequest request, bool pinned, CancellationToken cancellationToken) =>
        _keep.SetPinAsync(request, pinned, cancellationToken);

    public ValueTask<Result<PosixStatus>> SetPosixAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken) =>
        Posix?.SetAsync(request, mounted, cancellationToken)
        ?? new ValueTask<Result<PosixStatus>>(new Failure(
            FailureKind.NotImplemented, "This program embeds a node without the POSIX tree; ask a \"thaw serve\"."));

    public ReadyStatus GetReady() => IsStopping
        ? new ReadyStatus(false, ["The node is draining; ask another one."])
        : new ReadyStatus(true, []);

    private CacheStats GetCacheStats()
    {
        ImmutableArray<DiskStats> disks =
            [.. store.Disks.Select(disk => new DiskStats(disk.Path, disk.Bytes, disk.Capacity, NameOf(disk.State)))];
        var bytes = store.Bytes;
        return new CacheStats(
            bytes, store.Capacity, store.Chunks, store.Versions, store.Counters.EvictedBytes,
            store.Counters.CorruptChunks, store.Counters.LostInCrash, disks);
    }

    private static string NameOf(DiskState state) => state switch
    {
        DiskState.Healthy => "healthy",
        DiskState.Slow => "slow",
        DiskState.Failing => "failing",
        _ => "gone",
    };

    private static string StateOf(MemberState state) => state switch
    {
        MemberState.Live => "live",
        MemberState.Restarting => "restarting",
        _ => "draining",
    };

    private static TierStats TiersOf(MountMeter[] meters, Face face) => new(
        meters.Sum(one => one.Served(face, Tier.Local)), meters.Sum(one => one.Served(face, Tier.Peer)),
        meters.Sum(one => one.Served(face, Tier.Parent)), meters.Sum(one => one.Served(face, Tier.Origin)));

    private static long SumOf(TierStats tiers) => tiers.Local + tiers.Peer + tiers.Parent + tiers.Origin;

    private static double? HitRatio(long originBytes, long servedBytes) =>
        servedBytes == 0 ? null : Math.Max(0, 1 - (double)originBytes / servedBytes);
}
