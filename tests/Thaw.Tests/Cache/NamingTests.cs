using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>When the origin is asked for a key's version, and what holds while it does not answer or refuses.</summary>
public sealed class NamingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_who_ask_at_once_share_one_HEAD()
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("key", 1, 1);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = _ => new Fault { Gate = gate.Task };
        var asked = Enumerable.Range(0, 32).Select(_ => house.ResolveAsync("key").AsTask()).ToArray();
        await house.HoldsAsync("the HEAD is there", () => house.Origin.Log.Heads.Count == 1);
        gate.SetResult();
        Assert.All(await Task.WhenAll(asked), one => Assert.Null(one.Failure));
        Assert.Single(house.Origin.Log.Heads);
    }

    [Fact]
    public async Task Nobody_shares_a_HEAD_that_was_sent_before_they_came_if_every_request_must_ask()
    {
        await using var house = await CacheHouse.StartAsync(mount: mount => mount with { Revalidate = TimeSpan.Zero });
        house.Put("key", 1, 1);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.Number == 1 ? new Fault { Gate = gate.Task } : null;
        var first = house.ResolveAsync("key").AsTask();
        await house.HoldsAsync("the first HEAD is there", () => house.Origin.Log.Heads.Count == 1);
        house.Clock.Jump(TimeSpan.FromMilliseconds(1));
        var later = Enumerable.Range(0, 8).Select(_ => house.ResolveAsync("key").AsTask()).ToArray();
        gate.SetResult();
        Assert.Null((await first).Failure);
        Assert.All(await Task.WhenAll(later), one => Assert.Null(one.Failure));
        Assert.Equal(2, house.Origin.Log.Heads.Count);
    }

    [Fact]
    public async Task A_known_version_is_believed_for_revalidate_and_no_longer()
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("key", 1, 1);
        var old = (await house.ResolveAsync("key")).Value;
        house.Put("key", 2, 2);
        house.Clock.Jump(TimeSpan.FromSeconds(55));
        Assert.Equal(old, (await house.ResolveAsync("key")).Value);
        house.Clock.Jump(TimeSpan.FromSeconds(6));
        Assert.Equal(2, (await house.ResolveAsync("key")).Value.SizeBytes);
        Assert.Equal(2, house.Origin.Log.Heads.Count);
    }

    [Fact]
    public async Task A_listing_confirms_a_known_version_and_makes_none()
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("changed", 1, 1);
        house.Put("known", 1, 1);
        house.Put("unknown", 1, 1);
        await house.ResolveAsync("changed");
        await house.ResolveAsync("known");
        house.Put("changed", 2, 2);
        house.Clock.Jump(TimeSpan.FromSeconds(61));
        Assert.Null((await house.Cache.Reader.ListAsync("models", new ListRequest("", null, "", 10), Stop)).Failure);
        house.Origin.Log.Clear();
        await house.ResolveAsync("known");
        Assert.Empty(house.Origin.Log.Requests);
        Assert.Equal(2, (await house.ResolveAsync("changed")).Value.SizeBytes);
        await house.ResolveAsync("unknown");
        Assert.Equal(["changed", "unknown"], house.Origin.Log.Heads.Select(head => head.Key));
    }

    [Fact]
    public async Task While_the_origin_is_down_known_versions_are_served_for_staleIfError()
    {
        await using var house = await CacheHouse.StartAsync(
            mount: mount => mount with { StaleIfError = TimeSpan.FromHours(1) });
        var content = house.Put("key", Geometry.BlockBytes, 1);
        await house.AssertReadsAsync("key", content);
        house.Origin.Faults = _ => new Fault { Status = 500 };
        house.Clock.Jump(TimeSpan.FromMinutes(10));
        await house.AssertReadsAsync("key", content);
        house.Clock.Jump(TimeSpan.FromHours(1));
        Assert.Equal(FailureKind.OriginUnavailable, (await house.ReadAsync("key")).Failure?.Kind);
        house.Origin.Faults = null;
        await house.AssertReadsAsync("key", content);
        await house.IsIdleAsync();
    }

    [Theory]
    [InlineData(404, FailureKind.NotFound)]
    [InlineData(403, FailureKind.AccessDenied)]
    public async Task A_refusal_stops_new_readers_at_once(int status, FailureKind kind)
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("key", Geometry.BlockBytes, 1);
        await house.AssertReadsAsync("key", content);
        house.Clock.Jump(TimeSpan.FromSeconds(61));
        house.Origin.Faults = _ => new Fault { Status = status };
        Assert.Equal(kind, (await house.ReadAsync("key")).Failure?.Kind);
        Assert.Equal(kind, (await house.ReadAsync("key")).Failure?.Kind);
    }
}
