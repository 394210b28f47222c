using Thaw.Core.Cluster;
using Thaw.Core.Contracts;

namespace Thaw.Cluster.Membership;

/// <summary>
/// A fixed list of nodes, the same in every node's configuration. Nobody is told of anything: a node of the list that
/// does not answer is found by those who ask it.
/// </summary>
public sealed class StaticMembership : IMembership
{
    private readonly LatestSnapshot _latest;

    /// <param name="self">This node.</param>
    /// <param name="members">All members; this node is added, or takes the place of the one of its name.</param>
    public StaticMembership(ClusterMember self, IEnumerable<ClusterMember> members)
    {
        Self = self.Name;
        _latest = new LatestSnapshot(
            ClusterSnapshot.First(members.Where(member => member.Name != self.Name).Append(self)));
    }

    /// <inheritdoc />
    public string Self { get; }

    /// <inheritdoc />
    public ClusterSnapshot Current => _latest.Current;

    /// <inheritdoc />
    public ValueTask<ClusterSnapshot> WaitAsync(ClusterSnapshot known, CancellationToken cancellationToken) =>
        _latest.WaitAsync(known, cancellationToken);

    /// <inheritdoc />
    public ValueTask AnnounceAsync(MemberState state, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        var current = Current;
        _latest.TryPublish(current.Next(current.Members.Select(
            member => member.Name == Self ? member with { State = state, Until = until } : member)));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
