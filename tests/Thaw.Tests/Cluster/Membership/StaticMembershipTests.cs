using Thaw.Cluster.Membership;
using Thaw.Core.Cluster;
using Xunit;

namespace Thaw.Tests.Cluster.Membership;

public sealed class StaticMembershipTests
{
    [Fact]
    public async Task A_node_is_a_member_of_its_own_cluster_whatever_the_list_says_of_it()
    {
        var self = Member("a") with { Weight = 9 };
        await using var membership = new StaticMembership(self, [Member("a"), Member("b")]);
        Assert.Equal(["a", "b"], membership.Current.Members.Select(member => member.Name));
        Assert.Same(self, membership.Current.Find("a"));
    }

    [Fact]
    public async Task Whoever_waits_gets_the_successor()
    {
        var token = TestContext.Current.CancellationToken;
        await using var membership = new StaticMembership(Member("a"), []);
        var first = membership.Current;
        var waiting = membership.WaitAsync(first, token).AsTask();
        Assert.False(waiting.IsCompleted);
        await membership.AnnounceAsync(MemberState.Draining, null, token);
        var next = await waiting;
        Assert.Equal(first.Number + 1, next.Number);
        Assert.Equal(MemberState.Draining, next.Find("a")!.State);
    }

    [Fact]
    public void Only_a_successor_takes_the_place()
    {
        var first = ClusterSnapshot.First([Member("a")]);
        var second = first.Next([Member("a"), Member("b")]);
        var latest = new LatestSnapshot(first);
        Assert.True(latest.TryPublish(second));
        Assert.False(latest.TryPublish(first.Next([Member("c")])));
        Assert.False(latest.TryPublish(first));
        Assert.Same(second, latest.Current);
    }

    private static ClusterMember Member(string name) =>
        new() { Name = name, Addresses = [new NodeAddress("10.0.0.1", 7402)] };
}
