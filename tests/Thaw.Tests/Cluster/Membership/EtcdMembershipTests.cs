using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Cluster.Membership;
using Thaw.Core.Cluster;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cluster.Membership;

/// <summary>Membership over a real etcd: what happens to it must not show in who is a member.</summary>
[Trait("Category", "Server")]
public sealed class EtcdMembershipTests : IAsyncLifetime
{
    /// <summary>The shortest that etcd grants.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Etcd _etcd = new();
    private readonly List<EtcdMembership> _nodes = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _etcd.StartAsync(Token);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        await _etcd.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_see_each_other_come_change_and_leave()
    {
        var a = await JoinAsync("a");
        var b = await JoinAsync("b");
        await SeesAsync(a, "a", "b");
        await SeesAsync(b, "a", "b");
        Assert.Equal(a.Current.Hash, b.Current.Hash);
        Assert.Equal(("z1", 7), (a.Current.Find("b")!.Zone, a.Current.Find("b")!.Weight));

        var until = DateTimeOffset.UtcNow.AddMinutes(1);
        await b.AnnounceAsync(MemberState.Restarting, until, Token);
        await HoldsAsync(a, "b restarts", () => a.Current.Find("b") is { State: MemberState.Restarting } member
            && member.Until == until);

        var c = await JoinAsync("c");
        await SeesAsync(a, "a", "b", "c");
        await c.DisposeAsync();
        await SeesAsync(a, "a", "b");
        Assert.Equal(0, a.Failures);
    }

    [Fact]
    public async Task A_node_that_says_it_comes_back_stays_a_member_when_its_process_ends()
    {
        var a = await JoinAsync("a");
        var b = await JoinAsync("b");
        await SeesAsync(a, "a", "b");
        await b.AnnounceAsync(MemberState.Restarting, DateTimeOffset.UtcNow.AddMinutes(1), Token);
        await b.DisposeAsync();
        await _etcd.PutDyingAsync("/thaw/test/nodes/ghost", Record, 2, Token);
        await SeesAsync(a, "a", "b", "ghost");
        // The ghost's lease is as long as the one that b had.
        await SeesAsync(a, "a", "b");
        Assert.Equal(MemberState.Restarting, a.Current.Find("b")!.State);
        var again = await JoinAsync("b");
        await HoldsAsync(a, "b is back", () => a.Current.Find("b")!.State == MemberState.Live);
        await SeesAsync(again, "a", "b");
    }

    [Fact]
    public async Task A_node_that_renews_its_lease_no_more_is_gone()
    {
        var a = await JoinAsync("a");
        await _etcd.PutDyingAsync("/thaw/test/nodes/ghost", Record, 2, Token);
        await SeesAsync(a, "a", "ghost");
        await SeesAsync(a, "a");
    }

    [Fact]
    public async Task While_etcd_is_down_the_members_stay_and_afterwards_it_goes_on()
    {
        var a = await JoinAsync("a");
        var b = await JoinAsync("b");
        await SeesAsync(a, "a", "b");
        var before = a.Current;
        await _etcd.KillAsync();
        await OutlastLeasesAsync(a);
        Assert.Same(before, a.Current);
        await _etcd.StartAsync(Token);
        await JoinAsync("c");
        await SeesAsync(a, "a", "b", "c");
        await SeesAsync(b, "a", "b", "c");
        Assert.Equal(before.Number + 1, a.Current.Number);
    }

    [Fact]
    public async Task A_compacted_history_hides_no_change()
    {
        var a = await JoinAsync("a");
        await JoinAsync("b");
        await SeesAsync(a, "a", "b");
        await _etcd.CompactAsync(Token);
        var c = await JoinAsync("c");
        await SeesAsync(a, "a", "b", "c");
        await _etcd.KillAsync();
        await _etcd.StartAsync(Token);
        await c.DisposeAsync();
        await JoinAsync("d");
        await _etcd.CompactAsync(Token);
        await SeesAsync(a, "a", "b", "d");
    }

    [Fact]
    public async Task When_etcd_has_lost_its_keys_the_members_stay_and_write_them_again()
    {
        var a = await JoinAsync("a");
        var b = await JoinAsync("b");
        await _etcd.PutDyingAsync("/thaw/test/nodes/ghost", Record, 2, Token);
        await SeesAsync(a, "a", "b", "ghost");
        await SeesAsync(a, "a", "b");
        await _etcd.PutDyingAsync("/thaw/test/nodes/ghost", Record, 60, Token);
        await SeesAsync(a, "a", "b", "ghost");
        await SeesAsync(b, "a", "b", "ghost");
        var before = a.Current;
        await _etcd.KillAsync();
        await OutlastLeasesAsync(a);
        _etcd.Wipe();
        await _etcd.StartAsync(Token);
        await Eventually.HoldsAsync("both write their keys again",
            async () => (await _etcd.KeysAsync("/thaw/test/nodes/", Token)).Length == 2,
            () => $"a: {a.Current}, b: {b.Current}", Limit, Token);
        // Nobody renews the ghost: it is the only one to go, and only once others had time to come back.
        await SeesAsync(a, "a", "b");
        await SeesAsync(b, "a", "b");
        Assert.Equal(before.Number + 1, a.Current.Number);
    }

    private const string Record = """{"addresses":["127.0.0.1:7"],"weight":1,"state":"Live"}""";

    private async Task<EtcdMembership> JoinAsync(string name)
    {
        var self = new ClusterMember
        {
            Name = name,
            Addresses = [new NodeAddress("127.0.0.1", 7402)],
            Zone = "z1",
            Weight = 7,
        };
        var node = await EtcdMembership.StartAsync(
            self, new EtcdOptions([_etcd.Endpoint], "/thaw", "test", Lease), TimeProvider.System,
            NullLogger<EtcdMembership>.Instance, Token);
        _nodes.Add(node);
        return node;
    }

    /// <summary>The pauses between attempts double from 0.2 s to 2 s: five of them are longer than a lease.</summary>
    private static async Task OutlastLeasesAsync(EtcdMembership node)
    {
        var failures = node.Failures;
        await HoldsAsync(node, "etcd is missed for longer than a lease", () => node.Failures >= failures + 5);
    }

    private static Task SeesAsync(EtcdMembership node, params string[] names) => HoldsAsync(
        node, $"{node.Self} sees {string.Join(", ", names)}",
        () => node.Current.Members.Select(member => member.Name).SequenceEqual(names));

    private static Task HoldsAsync(EtcdMembership node, string phase, Func<bool> condition) => Eventually.HoldsAsync(
        phase, () => ValueTask.FromResult(condition()),
        () => $"{node.Failures} failures, {node.Current}: "
            + string.Join(", ", node.Current.Members.Select(member => member.Name)),
        Limit, Token);
}
