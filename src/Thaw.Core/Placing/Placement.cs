using System.Collections.Immutable;
using Thaw.Core.Cluster;
using Thaw.Core.Identity;

namespace Thaw.Core.Placing;

/// <summary>
/// Which nodes own what: weighted rendezvous hashing over one snapshot. A pure function of the members' names, weights
/// and zones and of the key: every node computes the same, and a member that comes or goes moves only what it gains or
/// loses. A node ranks by the depth of its hash (an exponential variable) over its weight, least first.
/// </summary>
public sealed class Placement
{
    private readonly ulong[] _seeds;
    private readonly uint[] _weights;
    private readonly int[] _zones;

    /// <param name="snapshot">Who there is; members that drain own nothing new.</param>
    /// <param name="copies">Owners of a chunk in each zone, at least 1.</param>
    public Placement(ClusterSnapshot snapshot, int copies)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(copies, 1);
        (Snapshot, Copies) = (snapshot, copies);
        _seeds = [.. snapshot.Members.Select(member => Mixing.Seed(member.Name))];
        _weights = [.. snapshot.Members.Select(
            member => member.State == MemberState.Draining ? 0 : (uint)Math.Clamp(
                member.Weight, 0, ClusterMember.WeightMost))];
        Zones = [.. snapshot.Members.Where((_, index) => _weights[index] > 0).Select(member => member.Zone)
            .Distinct().Order(StringComparer.Ordinal)];
        _zones = [.. snapshot.Members.Select(member => Zones.IndexOf(member.Zone))];
    }

    /// <summary>The members that are placed on.</summary>
    public ClusterSnapshot Snapshot { get; }

    /// <summary>Owners of a chunk in each zone.</summary>
    public int Copies { get; }

    /// <summary>Zones with at least one member that owns something, in ordinal order.</summary>
    public ImmutableArray<string> Zones { get; }

    /// <summary>
    /// All members that can own, best first: indexes into the snapshot's members. The first is the primary, the only
    /// one that asks the origin; whoever stands behind it takes over when it is gone.
    /// </summary>
    public ImmutableArray<int> Rank(PlacementKey key)
    {
        var (depths, members) = (new UInt128[_seeds.Length], new int[_seeds.Length]);
        var count = 0;
        for (var index = 0; index < _seeds.Length; index++)
            if (_weights[index] > 0)
                (depths[count], members[count++]) = (DepthAt(key, index), index);
        Array.Sort(depths, members, 0, count);
        return [.. members.AsSpan(0, count)];
    }

    /// <summary>The first of <see cref="Rank"/> without sorting the others; -1 when nobody can own.</summary>
    public int Primary(PlacementKey key)
    {
        var (best, least) = (-1, UInt128.MaxValue);
        for (var index = 0; index < _seeds.Length; index++)
            if (_weights[index] > 0 && DepthAt(key, index) is var depth && depth < least)
                (best, least) = (index, depth);
        return best;
    }

    /// <summary>
    /// The owners of a chunk: the primary first, then the rest of <see cref="Copies"/> in each zone by rank.
    /// </summary>
    public ImmutableArray<int> Owners(ContentId id, long sizeBytes, int chunk)
    {
        var ranked = Rank(PlacementKey.OfChunk(id, sizeBytes, chunk));
        var left = new int[Zones.Length];
        Array.Fill(left, Copies);
        var owners = ImmutableArray.CreateBuilder<int>(Math.Min(ranked.Length, Copies * Zones.Length));
        foreach (var member in ranked)
            if (left[_zones[member]]-- > 0)
                owners.Add(member);
        return owners.DrainToImmutable();
    }

    /// <summary>
    /// The owner that a node of a zone asks: the first one of its own zone, or the primary where the zone has none.
    /// </summary>
    public int OwnerFor(string zone, PlacementKey key)
    {
        var wanted = Zones.IndexOf(zone);
        var (best, least) = (-1, UInt128.MaxValue);
        for (var index = 0; index < _seeds.Length; index++)
            if (_weights[index] > 0 && (wanted < 0 || _zones[index] == wanted)
                && DepthAt(key, index) is var depth && depth < least)
                (best, least) = (index, depth);
        return best;
    }

    /// <summary>The member that answers for a key's version; -1 when nobody can own.</summary>
    public int Home(PlacementKey key) => Primary(key);

    // depth / weight with 48 + 32 bits behind the point, 86 bits in all; equal ones rank by name, by which the members
    // are ordered.
    private UInt128 DepthAt(PlacementKey key, int index) =>
        (((UInt128)FixedLog.Depth(Mixing.At(key, _seeds[index])) << 32) / _weights[index] << 32) | (uint)index;
}
