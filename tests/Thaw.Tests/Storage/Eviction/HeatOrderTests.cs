using CsCheck;
using Thaw.Core.Identity;
using Thaw.Storage.Eviction;
using Xunit;

namespace Thaw.Tests.Storage.Eviction;

public sealed class HeatOrderTests
{
    [Fact]
    public void The_heap_gives_the_coldest_after_any_changes() => Gen.Int[0, 40].Array[0, 200].Sample(steps =>
    {
        var heap = new HeatHeap<Member>();
        var members = new List<Member>();
        var made = 0;
        foreach (var step in steps)
        {
            var known = members.Count == 0 ? null : members[step % members.Count];
            if (known is null || step < 20)
            {
                members.Add(new Member { Warmth = step * 7 % 13, LastUsed = made++ });
                heap.Add(members[^1]);
            }
            else if (step < 30)
            {
                known.Warmth = step * 5 % 11;
                heap.Moved(known);
            }
            else
            {
                heap.Remove(known);
                members.Remove(known);
                Assert.False(heap.Contains(known));
            }

            Assert.Same(members.MinBy(member => (member.Warmth, member.LastUsed)), heap.Coldest);
        }
    });

    [Fact]
    public void A_scan_over_more_than_fits_takes_no_place_from_what_is_used()
    {
        var order = new HeatOrder(1000);
        var hot = Enumerable.Range(0, 10).Select(index => Enter(order, index, 100)).ToArray();
        for (var round = 0; round < 30; round++)
            foreach (var version in hot)
                order.Read(version, 100);
        order.Choose();
        for (var index = 100; index < 200; index++)
        {
            if (order.Rule > 0)
                Assert.False(order.IsWorth(IdOf(index)));
            order.ReadGone(IdOf(index), 100, 100);
        }
    }

    [Fact]
    public void A_version_that_took_anothers_name_has_its_uses_and_the_old_one_goes_first()
    {
        var order = new HeatOrder(1000);
        var versions = Enumerable.Range(0, 10).Select(index => Enter(order, index, 100)).ToArray();
        foreach (var version in versions)
            order.Read(version, 100);
        for (var round = 0; round < 5; round++)
            order.Read(versions[3], 100);
        var warmth = versions[3].Warmth;
        order.Replace(versions[3], versions[3].Id, IdOf(100));
        Assert.Same(versions[3], order.Coldest);
        Assert.True(order.IsWorth(IdOf(100)));
        Assert.Equal(warmth, Enter(order, 100, 100).Warmth);
    }

    [Fact]
    public void A_version_that_comes_back_is_as_warm_as_it_was()
    {
        var order = new HeatOrder(1000);
        var version = Enter(order, 1, 100);
        order.Read(version, 400);
        order.Leave(version);
        Assert.Null(order.Coldest);
        Assert.Equal(version.Warmth, Enter(order, 1, 100).Warmth);
    }

    [Fact]
    public void Pieces_of_a_version_make_a_use_when_they_are_as_many_bytes_as_it_has()
    {
        var order = new HeatOrder(1 << 20);
        var pieces = Enter(order, 1, 1000);
        var whole = Enter(order, 2, 1000);
        for (var piece = 0; piece < 9; piece++)
            order.Read(pieces, 100);
        var before = pieces.Warmth;
        Assert.Same(pieces, order.Coldest);
        order.Read(whole, 1000);
        order.Read(pieces, 100);
        Assert.True(pieces.Warmth > before);
    }

    [Fact]
    public void What_others_hold_goes_first_and_the_last_copy_last()
    {
        var order = new HeatOrder(1000);
        var (others, plain, last) = (Enter(order, 1, 100), Enter(order, 2, 100), Enter(order, 3, 100));
        order.Place(others, 0, -3);
        order.Place(last, 0, 3);
        Assert.Same(others, order.Coldest);
        order.SetAside(others);
        Assert.Same(plain, order.Coldest);
        order.SetAside(plain);
        Assert.Same(last, order.Coldest);
    }

    private static VersionHeat Enter(HeatOrder order, int index, long size)
    {
        var version = new VersionHeat(IdOf(index), size);
        order.Enter(version);
        return version;
    }

    private static ContentId IdOf(int index) => ContentId.Derive("order", $"{index}");

    private sealed class Member : Warm;
}
