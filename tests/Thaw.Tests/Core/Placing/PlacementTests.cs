using System.Globalization;
using CsCheck;
using Thaw.Core.Cluster;
using Thaw.Core.Identity;
using Thaw.Core.Placing;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Core.Placing;

public sealed class PlacementTests
{
    private const long SmallBytes = 1L << 30;

    /// <summary>Clusters of 1 to 24 nodes of different weights in one to three zones.</summary>
    private static readonly Gen<ClusterSnapshot> Clusters =
        from seed in Gen.Int[0, 1_000_000]
        from members in Gen.Select(Gen.Int[1, 1000], Gen.Int[0, 2]).Array[1, 24]
        select ClusterSnapshot.First(
            members.Select((one, index) => Member($"n{seed}-{index}", one.Item1, $"z{one.Item2}")));

    /// <summary>The vectors come from another implementation, with exact logarithms of 60 digits.</summary>
    [Fact]
    public void Ranks_are_those_of_the_golden_vectors()
    {
        var placement = new Placement(
            ClusterSnapshot.First(
            [
                Member("a"), Member("b"), Member("gpu-017", 4000), Member("gpu-018", 4000), Member("gpu-019", 7000),
                Member("gpu-020", 12000), Member("gpu-021", 3), Member("zero", 0),
                Member("knoten-ß", ClusterMember.WeightMost),
            ]),
            copies: 1);
        var lines = File.ReadAllLines(
            Path.Combine(Places.Root, "tests/Thaw.Tests/Core/Placing/placement-vectors.txt"));
        Assert.Equal(96, lines.Length);
        Assert.All(lines, line =>
        {
            var words = line.Split(' ');
            Assert.True(ContentId.TryParse(words[0], out var id));
            var key = PlacementKey.OfChunk(
                id, long.Parse(words[1], CultureInfo.InvariantCulture),
                int.Parse(words[2], CultureInfo.InvariantCulture));
            var ranked = placement.Rank(key).Select(index => placement.Snapshot.Members[index].Name).ToArray();
            Assert.Equal(words[3..], ranked);
            Assert.Equal(words[3], placement.Snapshot.Members[placement.Primary(key)].Name);
        });
    }

    [Theory]
    [InlineData(0x0, 18014398509481984)]
    [InlineData(0x1, 17732923532771328)]
    [InlineData(0x7fffffffffffffff, 281474976710656)]
    [InlineData(0x123456789abcdef0, 1073483971977353)]
    [InlineData(0xc000000000000000, 116822670443561)]
    [InlineData(0xdeadbeefdeadbeef, 56627214226566)]
    [InlineData(0xffffffffffffffff, 0)]
    public void Depths_are_exact_to_the_last_bits(ulong hash, ulong depth)
    {
        var computed = FixedLog.Depth(hash);
        Assert.InRange((long)computed - (long)depth, -2, 2);
    }

    [Fact]
    public void A_node_that_joins_takes_from_the_others_and_moves_nothing_between_them() =>
        Clusters.Sample(
            cluster =>
            {
                var before = new Placement(cluster, 1);
                var after = new Placement(
                    cluster.Next([.. cluster.Members, Member("joined", 300, "z1")]), 1);
                for (var chunk = 0; chunk < 200; chunk++)
                {
                    var key = PlacementKey.OfChunk(Id(7), SmallBytes, chunk);
                    var then = Names(before, before.Rank(key));
                    Assert.Equal(then, Names(after, after.Rank(key)).Where(name => name != "joined"));
                }
            },
            iter: 50);

    [Fact]
    public void A_changed_weight_moves_chunks_only_to_or_from_that_node() =>
        Gen.Select(Clusters, Gen.Int[0, 1000]).Sample(
            (cluster, weight) =>
            {
                var changed = cluster.Members[0] with { Weight = weight };
                var (before, after) =
                    (new Placement(cluster, 1), new Placement(cluster.Next(cluster.Members.SetItem(0, changed)), 1));
                for (var chunk = 0; chunk < 100; chunk++)
                {
                    var key = PlacementKey.OfChunk(Id(8), SmallBytes, chunk);
                    Assert.Equal(
                        Names(before, before.Rank(key)).Where(name => name != changed.Name),
                        Names(after, after.Rank(key)).Where(name => name != changed.Name));
                    if (weight >= cluster.Members[0].Weight && before.Primary(key) == 0)
                        Assert.Equal(0, after.Primary(key));
                }
            },
            iter: 50);

    /// <summary>Twenty thousand chunks: each share is within five standard deviations of its weight's.</summary>
    [Fact]
    public void Shares_follow_the_weights() =>
        Clusters.Sample(
            cluster =>
            {
                const int chunks = 20_000;
                var placement = new Placement(cluster, 1);
                var owned = new int[cluster.Members.Length];
                for (var chunk = 0; chunk < chunks; chunk++)
                    owned[placement.Primary(PlacementKey.OfChunk(Id(9), SmallBytes, chunk))]++;
                var total = cluster.Members.Sum(member => (double)member.Weight);
                for (var index = 0; index < owned.Length; index++)
                {
                    var share = cluster.Members[index].Weight / total;
                    Assert.InRange(
                        owned[index] - chunks * share, -Deviations(chunks, share), Deviations(chunks, share));
                }
            },
            iter: 10);

    [Fact]
    public void Each_zone_has_as_many_owners_as_copies_and_the_first_is_the_primary() =>
        Gen.Select(Clusters, Gen.Int[1, 3]).Sample(
            (cluster, copies) =>
            {
                var placement = new Placement(cluster, copies);
                for (var chunk = 0; chunk < 50; chunk++)
                {
                    var key = PlacementKey.OfChunk(Id(10), SmallBytes, chunk);
                    var owners = placement.Owners(Id(10), SmallBytes, chunk);
                    Assert.Equal(placement.Primary(key), owners[0]);
                    foreach (var zone in placement.Zones)
                    {
                        var here = owners.Where(index => cluster.Members[index].Zone == zone).ToArray();
                        Assert.Equal(
                            Math.Min(copies, cluster.Members.Count(member => member.Zone == zone)), here.Length);
                        Assert.Equal(here[0], placement.OwnerFor(zone, key));
                    }
                }
            },
            iter: 50);

    [Fact]
    public void A_zone_without_owners_asks_the_primary()
    {
        var placement = new Placement(ClusterSnapshot.First([Member("a", 5, "x"), Member("idle", 0, "y")]), 1);
        Assert.Equal(0, placement.OwnerFor("y", PlacementKey.OfChunk(Id(1), SmallBytes, 0)));
    }

    [Fact]
    public void Four_adjacent_chunks_of_a_large_version_have_one_owner()
    {
        var placement = new Placement(
            ClusterSnapshot.First(Enumerable.Range(0, 16).Select(number => Member($"n{number}"))), 1);
        const long large = PlacementKey.SpanFromBytes + 1;
        var spans = Enumerable.Range(0, 100).Select(span => Enumerable.Range(0, 4).Select(
            chunk => placement.Primary(PlacementKey.OfChunk(Id(2), large, 4 * span + chunk))).Distinct().ToArray());
        Assert.All(spans, owners => Assert.Single(owners));
        Assert.Equal(16, spans.Select(owners => owners[0]).Distinct().Count());
        Assert.NotEqual(
            1, Enumerable.Range(0, 4).Select(chunk => placement.Primary(
                PlacementKey.OfChunk(Id(2), PlacementKey.SpanFromBytes, chunk))).Distinct().Count());
    }

    [Fact]
    public void Who_drains_owns_nothing_new_and_who_restarts_keeps_what_it_owns()
    {
        var cluster = ClusterSnapshot.First([Member("a"), Member("b"), Member("c")]);
        var keys = Enumerable.Range(0, 100).Select(chunk => PlacementKey.OfChunk(Id(3), SmallBytes, chunk)).ToArray();
        var before = new Placement(cluster, 1);
        var restarting = new Placement(With(MemberState.Restarting), 1);
        var draining = new Placement(With(MemberState.Draining), 1);
        Assert.Equal(keys.Select(before.Primary), keys.Select(restarting.Primary));
        Assert.DoesNotContain(0, keys.Select(draining.Primary));

        ClusterSnapshot With(MemberState state) =>
            cluster.Next(cluster.Members.SetItem(0, cluster.Members[0] with { State = state }));
    }

    [Fact]
    public void Where_nobody_can_own_there_is_no_owner()
    {
        var placement = new Placement(ClusterSnapshot.First([Member("a", 0)]), 1);
        var key = PlacementKey.OfChunk(Id(4), SmallBytes, 0);
        Assert.Equal((-1, -1, 0), (placement.Primary(key), placement.OwnerFor("", key), placement.Rank(key).Length));
    }

    private static double Deviations(int count, double share) => 5 * Math.Sqrt(count * share * (1 - share)) + 1;

    private static IEnumerable<string> Names(Placement placement, IEnumerable<int> members) =>
        members.Select(index => placement.Snapshot.Members[index].Name);

    private static ContentId Id(int number) =>
        ContentId.Derive("placement", number.ToString(CultureInfo.InvariantCulture));

    private static ClusterMember Member(string name, int weight = 1, string zone = "") =>
        new() { Name = name, Addresses = [new NodeAddress("10.0.0.1", 7402)], Weight = weight, Zone = zone };
}
