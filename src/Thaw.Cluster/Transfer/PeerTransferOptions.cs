using System.Collections.Immutable;
using Thaw.Cluster.Transfer.Sockets;
using Thaw.Core;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Transfer;

/// <summary>What both sides of the transfer need to know of this node.</summary>
public sealed record PeerTransferOptions
{
    /// <summary>Name of the cluster.</summary>
    public required string Cluster { get; init; }

    /// <summary>Name of this node.</summary>
    public required string Node { get; init; }

    /// <summary>The cluster's secret; empty: none.</summary>
    public ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Where to listen.</summary>
    public ImmutableArray<NodeAddress> Listen { get; init; } = [];

    /// <summary>Connections to each peer.</summary>
    public int Connections { get; init; } = Limits.PeerConnections;

    /// <summary>What is set on sockets.</summary>
    public SocketOptions Sockets { get; init; } = new();
}
