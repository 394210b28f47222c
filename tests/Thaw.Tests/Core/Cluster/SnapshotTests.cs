using Thaw.Core.Cluster;
using Xunit;

namespace Thaw.Tests.Core.Cluster;

public sealed class SnapshotTests
{
    private static readonly ClusterMember A = Member("a");
    private static readonly ClusterMember B = Member("b");

    [Fact]
    public void Nodes_that_see_the_same_members_have_the_same_hash_whatever_their_numbers()
    {
        var one = ClusterSnapshot.First([A, B]);
        var other = ClusterSnapshot.First([B]).Next([B, A with { Weight = 7 }]).Next([B, A]);
        Assert.Equal((1, 3), (one.Number, other.Number));
        Assert.Equal(one.Hash, other.Hash);
    }

    [Fact]
    public void Whatever_placement_or_a_caller_needs_changes_the_hash()
    {
        var hash = ClusterSnapshot.First([A, B]).Hash;
        Assert.All(
            [
                A with { Weight = 2 }, A with { Zone = "z" }, A with { State = MemberState.Draining },
                A with { Name = "c" }, A with { Addresses = [new NodeAddress("10.0.0.9", 7402)] },
            ],
            changed => Assert.NotEqual(hash, ClusterSnapshot.First([changed, B]).Hash));
    }

    [Fact]
    public void Without_a_change_there_is_no_successor()
    {
        var first = ClusterSnapshot.First([A, B]);
        Assert.Same(first, first.Next([Member("b"), Member("a")]));
    }

    [Fact]
    public void Members_are_found_by_name()
    {
        var snapshot = ClusterSnapshot.First(Enumerable.Range(0, 57).Select(number => Member($"n{number}")));
        Assert.All(snapshot.Members, member => Assert.Same(member, snapshot.Find(member.Name)));
        Assert.Null(snapshot.Find("n"));
        Assert.Null(ClusterSnapshot.Empty.Find("a"));
    }

    [Fact]
    public void Two_members_of_one_name_are_refused() =>
        Assert.Throws<ArgumentException>(() => ClusterSnapshot.First([A, A]));

    [Theory]
    [InlineData("10.0.0.17:7402", "10.0.0.17", 7402)]
    [InlineData("gpu-17.prod:1", "gpu-17.prod", 1)]
    [InlineData("[::1]:7402", "::1", 7402)]
    public void Addresses_are_read_and_written(string text, string host, int port)
    {
        Assert.True(NodeAddress.TryParse(text, out var address));
        Assert.Equal(new NodeAddress(host, port), address);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("gpu-17")]
    [InlineData(":7402")]
    [InlineData("gpu-17:0")]
    [InlineData("gpu-17:65536")]
    [InlineData("gpu-17:+1")]
    [InlineData("::1:7402")]
    [InlineData("a b:1")]
    public void What_is_no_address_is_refused(string text) => Assert.False(NodeAddress.TryParse(text, out _));

    private static ClusterMember Member(string name) =>
        new() { Name = name, Addresses = [new NodeAddress("10.0.0.1", 7402)] };
}
