using System.Collections.Immutable;
using Thaw.Core.Placing;

namespace Thaw.Core.Planning;

/// <summary>What is known of a member that may be asked.</summary>
public enum MemberHealth
{
    /// <summary>It can be asked.</summary>
    Usable,

    /// <summary>It restarts: it is waited for.</summary>
    Awaited,

    /// <summary>It is silent, or has failed for this chunk already: the next in rank.</summary>
    Passed,
}

/// <summary>What a node does next for a chunk that it does not have.</summary>
public enum RouteKind
{
    /// <summary>Fetches from the origin.</summary>
    Origin,

    /// <summary>Asks a member.</summary>
    Ask,

    /// <summary>Waits for a member that restarts, then decides anew.</summary>
    Wait,
}

/// <summary>A decision.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Member">Index of the member that is asked or waited for; else -1.</param>
/// <param name="IsTakeover">The member that should do it is passed over.</param>
public readonly record struct RouteStep(RouteKind Kind, int Member, bool IsTakeover);

/// <summary>
/// From whom a node gets a chunk: the owners of its zone by rank, then, as an owner itself, whoever ranks before it in
/// the whole cluster; only who ranks first of all that are usable asks the origin. Each step leads to a node of better
/// rank, so that nodes that see the same members never wait for each other in a circle. Pure.
/// </summary>
public static class ChunkRoute
{
    /// <summary>Decides.</summary>
    /// <param name="placement">The members and their ranks.</param>
    /// <param name="self">Index of this node; -1 when it is no member.</param>
    /// <param name="key">The chunk.</param>
    /// <param name="health">What is known of a member by its index; not asked for this node.</param>
    public static RouteStep Next(Placement placement, int self, PlacementKey key, Func<int, MemberHealth> health)
    {
        var ranked = placement.Rank(key);
        var isTakeover = false;
        if (self >= 0)
        {
            var zone = placement.Snapshot.Members[self].Zone;
            ImmutableArray<int> zoned =
                [.. ranked.Where(member => placement.Snapshot.Members[member].Zone == zone)];
            if (Walk(zoned, self, health, ref isTakeover) is { } step)
                return step;
        }

        return Walk(ranked, self, health, ref isTakeover) ?? new RouteStep(RouteKind.Origin, -1, isTakeover);
    }

    /// <summary>Whether a node gets a chunk from another one, as long as all are well.</summary>
    public static bool IsRemote(Placement placement, int self, PlacementKey key) => placement.Primary(key) != self
        && placement.Zones.Length > 0;

    private static RouteStep? Walk(
        ImmutableArray<int> ranked, int self, Func<int, MemberHealth> health, ref bool isTakeover)
    {
        foreach (var member in ranked)
        {
            if (member == self)
                return null;
            switch (health(member))
            {
                case MemberHealth.Usable:
                    return new RouteStep(RouteKind.Ask, member, isTakeover);
                case MemberHealth.Awaited:
                    return new RouteStep(RouteKind.Wait, member, isTakeover);
                default:
                    isTakeover = true;
                    break;
            }
        }

        return null;
    }
}
