using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cluster.Membership;
using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;

namespace Thaw.Daemon;

/// <summary>Makes a node's membership from its configuration.</summary>
internal static class ClusterMembership
{
    private const long WeightUnitBytes = 1L << 30;

    /// <summary>Joins the cluster; a node without one is its only member.</summary>
    public static async Task<IMembership> JoinAsync(
        ThawConfig config, TimeProvider clock, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var cluster = config.Cluster;
        if (cluster.Discovery == DiscoveryKind.Static)
            return new StaticMembership(
                cluster.Nodes.FirstOrDefault(node => node.Name == config.Node.Name) ?? Self(config), cluster.Nodes);
        return await EtcdMembership.StartAsync(
            Self(config),
            new EtcdOptions(cluster.Etcd.Endpoints, cluster.Etcd.Prefix, cluster.Name, Limits.EtcdLease),
            clock, loggers.CreateLogger<EtcdMembership>(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Tells the others to wait for this node rather than to take over.</summary>
    public static async Task BeginRestartAsync(IMembership membership, TimeProvider clock)
    {
        using var limit = new CancellationTokenSource(Limits.EtcdLeave);
        try
        {
            await membership.AnnounceAsync(
                MemberState.Restarting, clock.GetUtcNow() + Limits.RestartPatience, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // They find out by its silence.
            return;
        }
    }

    private static ClusterMember Self(ThawConfig config) => new()
    {
        Name = config.Node.Name,
        Addresses = config.Node.Advertise.IsEmpty
            ? [.. config.Peer.Listen.Select(one => new NodeAddress(one.Address.ToString(), one.Port))]
            : config.Node.Advertise,
        Zone = config.Node.Zone,
        Weight = config.Node.Weight ?? WeightOf(config.Cache.Disks),
    };

    private static int WeightOf(ImmutableArray<DiskConfig> disks)
    {
        var bytes = disks.Select(DiskCapacity.Resolve).Sum(disk => disk.CapacityBytes);
        return bytes == 0 ? 0 : (int)Math.Clamp(bytes / WeightUnitBytes, 1, ClusterMember.WeightMost);
    }
}
