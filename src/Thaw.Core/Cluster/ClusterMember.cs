using System.Collections.Immutable;

namespace Thaw.Core.Cluster;

/// <summary>Whether a member of the cluster serves.</summary>
public enum MemberState
{
    /// <summary>It serves.</summary>
    Live,

    /// <summary>It stopped and comes back soon: wait for it rather than take over.</summary>
    Restarting,

    /// <summary>It leaves for good: it serves what it holds and owns nothing new.</summary>
    Draining,
}

/// <summary>One node as the cluster knows it. A node that is gone is no member.</summary>
public sealed record ClusterMember
{
    /// <summary>Largest weight: in GiB, a node of 16 PiB.</summary>
    public const int WeightMost = 1 << 24;

    /// <summary>Name, unique in the cluster.</summary>
    public required string Name { get; init; }

    /// <summary>Addresses of its peer port, one for each rail; never empty.</summary>
    public required ImmutableArray<NodeAddress> Addresses { get; init; }

    /// <summary>Zone; empty: the one zone of a cluster without zones.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Share of what it owns, 0 to <see cref="WeightMost"/>; 0: it owns nothing.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>Whether it serves.</summary>
    public MemberState State { get; init; }

    /// <summary>While <see cref="MemberState.Restarting"/>: when the others stop waiting for it.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <inheritdoc />
    public bool Equals(ClusterMember? other) =>
        other is not null && Name == other.Name && Zone == other.Zone && Weight == other.Weight && State == other.State
        && Until == other.Until && Addresses.AsSpan().SequenceEqual(other.Addresses.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Name, Zone, Weight, State, Until, Addresses.Length);
}
