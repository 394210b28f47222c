using System.Collections.Immutable;

namespace Thaw.Cluster.Membership;

/// <summary>Which etcd, and where in it.</summary>
/// <param name="Endpoints">URLs of its members; one that answers is enough.</param>
/// <param name="Prefix">What Thaw's keys begin with.</param>
/// <param name="ClusterName">Name of the cluster of nodes.</param>
/// <param name="Lease">A node that renews its lease for this long no more is gone; at least 2 s.</param>
public sealed record EtcdOptions(ImmutableArray<Uri> Endpoints, string Prefix, string ClusterName, TimeSpan Lease)
{
    /// <summary>What the keys of members begin with.</summary>
    internal string MembersPrefix => $"{Prefix}/{ClusterName}/nodes/";
}
