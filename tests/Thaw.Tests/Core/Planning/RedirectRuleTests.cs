using Thaw.Core.Contracts.Peers;
using Thaw.Core.Planning;
using Xunit;

namespace Thaw.Tests.Core.Planning;

/// <summary>Who serves a chunk when its owner has much to send.</summary>
public sealed class RedirectRuleTests
{
    private const int Chunk = 8 << 20;
    private static readonly PeerLoad Busy = new(10L * Chunk, 50e6);

    [Fact]
    public void Who_can_send_soon_serves()
    {
        var holder = new ChunkHolder("b", 0, new PeerLoad(0, 1e9));
        Assert.Null(RedirectRule.Decide(new PeerLoad(2L * Chunk - 1, 50e6), Chunk, "a", [holder]));
        Assert.Equal("b", RedirectRule.Decide(new PeerLoad(2L * Chunk, 50e6), Chunk, "a", [holder]));
    }

    [Fact]
    public void The_one_that_is_done_first_serves_be_it_the_owner()
    {
        var (slow, fast) = (new ChunkHolder("slow", 0, new PeerLoad(Chunk, 5e6)),
            new ChunkHolder("fast", 0, new PeerLoad(5L * Chunk, 50e6)));
        Assert.Equal("fast", RedirectRule.Decide(Busy, Chunk, "a", [slow, fast]));
        Assert.Null(RedirectRule.Decide(Busy, Chunk, "a", [fast with { Load = new PeerLoad(11L * Chunk, 50e6) }]));
        Assert.Null(RedirectRule.Decide(Busy, Chunk, "a", [slow with { Load = new PeerLoad(0, 5e6) }]));
        Assert.Null(RedirectRule.Decide(Busy, Chunk, "fast", [fast]));
    }

    [Fact]
    public void Those_that_were_sent_to_a_holder_count_there()
    {
        var load = new PeerLoad(Chunk, 50e6);
        Assert.Equal("c", RedirectRule.Decide(
            Busy, Chunk, "a", [new ChunkHolder("b", 2, load), new ChunkHolder("c", 1, load)]));
        Assert.Equal("c", RedirectRule.Decide(
            Busy, Chunk, "a", [new ChunkHolder("b", 1, null), new ChunkHolder("c", 0, null)]));
    }

    [Fact]
    public void Who_is_known_to_have_less_to_do_or_a_faster_link_fetches_in_the_owner_s_place()
    {
        Assert.True(RedirectRule.IsForAsker(Busy, Chunk, new PeerLoad(2L * Chunk, 50e6)));
        Assert.False(RedirectRule.IsForAsker(Busy, Chunk, new PeerLoad(20L * Chunk, 50e6)));
        Assert.False(RedirectRule.IsForAsker(Busy, Chunk, new PeerLoad(0, 24e6)));
        Assert.False(RedirectRule.IsForAsker(Busy, Chunk, null));
        Assert.False(RedirectRule.IsForAsker(Busy, Chunk, new PeerLoad(0, 0)));
        Assert.False(RedirectRule.IsForAsker(Busy with { PromisedBytes = 0 }, Chunk, new PeerLoad(0, 90e6)));
        Assert.True(RedirectRule.IsForAsker(new PeerLoad(0, 12e6), Chunk, new PeerLoad(9L * Chunk, 50e6)));
    }
}
