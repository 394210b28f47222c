namespace Thaw.Core.Api;

/// <summary>Adds the counters and gauges of several nodes.</summary>
public static class StatsSum
{
    /// <summary>The sums, as the first of the nodes tells them; there is at least one.</summary>
    public static NodeStats Of(IReadOnlyList<NodeStats> nodes)
    {
        long Sum(Func<NodeStats, long> value) => nodes.Sum(value);
        TierStats Tiers(Func<NodeStats, TierStats> face) => new(
            Sum(node => face(node).Local), Sum(node => face(node).Peer), Sum(node => face(node).Parent),
            Sum(node => face(node).Origin));
        var (s3, hub) = (Tiers(node => node.Served.S3), Tiers(node => node.Served.Hub));
        var cause = new CauseStats(
            Sum(node => node.Origin.Cause.Reader), Sum(node => node.Origin.Cause.Load),
            Sum(node => node.Origin.Cause.Revalidate), Sum(node => node.Origin.Cause.Retry),
            Sum(node => node.Origin.Cause.Takeover));
        var served = s3.Local + s3.Peer + s3.Parent + s3.Origin + hub.Local + hub.Peer + hub.Parent + hub.Origin;
        return nodes[0] with
        {
            Origin = new OriginStats(
                Sum(node => node.Origin.Bytes), Sum(node => node.Origin.Requests), Sum(node => node.Origin.Throttled),
                Sum(node => node.Origin.Errors), cause),
            Served = new ServedStats(s3, hub, Tiers(node => node.Served.Peer)),
            Posix = new PosixStats(
                Sum(node => node.Posix.PassthroughOpens), Sum(node => node.Posix.OpenedBytes),
                Sum(node => node.Posix.ReadBytes)),
            HitRatio = served == 0 ? null : Math.Max(0, 1 - (double)cause.Reader / served),
            Cache = nodes[0].Cache with
            {
                Bytes = Sum(node => node.Cache.Bytes),
                Capacity = Sum(node => node.Cache.Capacity),
                Chunks = Sum(node => node.Cache.Chunks),
                Versions = Sum(node => node.Cache.Versions),
                EvictedBytes = Sum(node => node.Cache.EvictedBytes),
                CorruptChunks = Sum(node => node.Cache.CorruptChunks),
                LostInCrash = Sum(node => node.Cache.LostInCrash),
                Disks = [.. nodes.SelectMany(node => node.Cache.Disks.Select(
                    disk => disk with { Path = $"{node.Node}:{disk.Path}" }))],
            },
            Peers = new PeerStats(Sum(node => node.Peers.BytesIn), Sum(node => node.Peers.BytesOut)),
            InFlight = new InFlightStats(
                Sum(node => node.InFlight.Chunks), Sum(node => node.InFlight.Readers),
                Sum(node => node.InFlight.MemoryBytes), Sum(node => node.InFlight.MemoryCapacity)),
            Nodes = [.. nodes.Select(node => node.Node)],
        };
    }
}
