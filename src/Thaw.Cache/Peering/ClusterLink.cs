using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cache.Peering;

/// <summary>A node's place in its cluster. What it holds belongs to whoever made it and outlives the cache.</summary>
/// <param name="Name">Name of the cluster.</param>
/// <param name="Membership">Who is in it.</param>
/// <param name="Copies">Owners of a chunk in each zone.</param>
/// <param name="Client">Speaks to the others; null: this node is alone and asks nobody.</param>
public sealed record ClusterLink(string Name, IMembership Membership, int Copies = 1, IPeerClient? Client = null)
{
    /// <summary>The side that answers the others, for its counters; set once it listens.</summary>
    public IPeerServer? Server { get; set; }
}
