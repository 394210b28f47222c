using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cluster.Membership;
using Thaw.Cluster.Transfer;
using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;

namespace Thaw.Daemon;

/// <summary>Makes a node's part of the cluster from its configuration.</summary>
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

    /// <summary>What node-to-node transfer needs to know; null: this node is alone.</summary>
    /// <exception cref="IOException">The file with the secret cannot be read.</exception>
    public static PeerTransferOptions? Transfer(ThawConfig config)
    {
        if (!config.Cluster.IsConfigured)
            return null;
        ReadOnlyMemory<byte> secret = default;
        if (config.Cluster.SecretFile is { } file)
        {
            // An editor's line feed at the end is no part of it.
            secret = File.ReadAllBytes(file).AsMemory().TrimEnd("\r\n"u8.ToArray());
            if (secret.IsEmpty)
                throw new IOException($"{file} is empty; write the cluster's secret into it (cluster.secretFile).");
        }

        return new PeerTransferOptions
        {
            Cluster = config.Cluster.Name,
            Node = config.Node.Name,
            Secret = secret,
            Listen = [.. config.Peer.Listen.Select(one => new NodeAddress(one.Address.ToString(), one.Port))],
        };
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
        var bytes = disks.Sum(DiskCapacity.BytesOrNone);
        return bytes == 0 ? 0 : (int)Math.Clamp(bytes / WeightUnitBytes, 1, ClusterMember.WeightMost);
    }
}
