using Thaw.Cache.Peering;
using Thaw.Core.Identity;
using Xunit;

namespace Thaw.Tests.Cache.Peering;

/// <summary>Who got a chunk, and who fetches it in the owner's place.</summary>
public sealed class PromisedChunksTests
{
    private static readonly ContentId Id = ContentId.Derive("a version");

    [Fact]
    public async Task Of_many_that_ask_at_once_one_stands_in()
    {
        var promised = new PromisedChunks(100);
        for (var chunk = 0; chunk < 50; chunk++)
        {
            var at = chunk;
            var granted = await Task.WhenAll(Enumerable.Range(0, 8).Select(node => Task.Run(
                () => promised.TryStandIn(Id, at, $"n{node}", static () => false))));
            var standIn = $"n{Array.IndexOf(granted, true)}";
            Assert.Equal(1, granted.Count(one => one));
            Assert.Equal(standIn, promised.StandInOf(Id, at));
            Assert.Equal((standIn, 0), Assert.Single(promised.HoldersOf(Id, at)));
        }
    }

    [Fact]
    public void Nobody_stands_in_for_what_is_here_or_was_given_to_someone()
    {
        var promised = new PromisedChunks(100);
        Assert.False(promised.TryStandIn(Id, 0, "a", static () => true));
        Assert.Null(promised.StandInOf(Id, 0));
        promised.Promise(Id, 1, "a", 10);
        Assert.False(promised.TryStandIn(Id, 1, "b", static () => false));
        Assert.Equal(10, promised.Bytes);
        promised.Sent(10);
        Assert.Equal(0, promised.Bytes);
    }

    [Fact]
    public void One_that_asks_again_stands_in_no_more()
    {
        var promised = new PromisedChunks(100);
        Assert.True(promised.TryStandIn(Id, 0, "a", static () => false));
        promised.Redirected(Id, 0, "a", "b");
        promised.Forget(Id, 0, "a");
        Assert.Null(promised.StandInOf(Id, 0));
        Assert.Equal(("b", 0), Assert.Single(promised.HoldersOf(Id, 0)));
    }

    [Fact]
    public void The_oldest_chunks_are_forgotten()
    {
        var promised = new PromisedChunks(2);
        for (var chunk = 0; chunk < 3; chunk++)
            Assert.True(promised.TryStandIn(Id, chunk, "a", static () => false));
        Assert.Null(promised.StandInOf(Id, 0));
        Assert.Equal("a", promised.StandInOf(Id, 1));
        Assert.Empty(promised.HoldersOf(Id, 0));
    }
}
