using Thaw.Core.Planning;
using Xunit;

namespace Thaw.Tests.Core.Planning;

/// <summary>What a node fetches for itself gives way to what others wait for, on a slow link.</summary>
public sealed class OwnShareTests
{
    [Fact]
    public void It_grows_with_each_and_is_halved_when_others_wait_long()
    {
        var share = new OwnShare();
        for (var came = 0; came < 8; came++)
            share.OwnCame();
        Assert.Equal(16, share.Chunks);
        share.OtherCame(TimeSpan.FromSeconds(2.4), TimeSpan.FromSeconds(10));
        Assert.Equal(16, share.Chunks);
        share.OtherCame(TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(10));
        Assert.Equal(8, share.Chunks);
    }

    [Fact]
    public void What_was_on_its_way_together_counts_once_and_two_are_always_left()
    {
        var share = new OwnShare();
        for (var other = 0; other < 5; other++)
            share.OtherCame(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(10));
        Assert.Equal(4, share.Chunks);
        for (var second = 20; second < 60; second += 10)
            share.OtherCame(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(second));
        Assert.Equal(OwnShare.Least, share.Chunks);
    }
}
