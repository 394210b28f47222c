using System.Collections.Immutable;

namespace Thaw.Core.Api;

/// <summary>The cluster as the node that was asked sees it.</summary>
/// <param name="Name">Name of the cluster.</param>
/// <param name="Node">The node that was asked.</param>
/// <param name="Snapshot">Number of its snapshot; each node counts its own.</param>
/// <param name="Hash">Equal on all nodes that see the same members: 16 hex digits.</param>
/// <param name="Nodes">The members, by name.</param>
public sealed record ClusterStatus(
    string Name, string Node, long Snapshot, string Hash, ImmutableArray<ClusterNode> Nodes);

/// <summary>One member.</summary>
/// <param name="Name">Name.</param>
/// <param name="Zone">Zone; empty: the one zone of a cluster without zones.</param>
/// <param name="Weight">Share of what it owns; 0: it owns nothing.</param>
/// <param name="State"><c>live</c>, <c>restarting</c> or <c>draining</c>.</param>
/// <param name="Until">While it restarts: how long it is waited for.</param>
/// <param name="Addresses">Addresses of its peer port.</param>
public sealed record ClusterNode(
    string Name, string Zone, int Weight, string State, DateTimeOffset? Until, ImmutableArray<string> Addresses);
