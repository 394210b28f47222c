using Thaw.Cli.Demo;
using Thaw.Core.Api;
using Thaw.Daemon;
using Xunit;

namespace Thaw.Tests.Cli;

/// <summary>The demo says what holds, and of what does not hold, why.</summary>
public sealed class DemoMeasureTests
{
    private static readonly S3Throttle Origin = new(200_000_000, TimeSpan.FromMilliseconds(30));

    [Theory]
    [InlineData(2L << 30, true, 2L << 30, 14.5, "")]
    [InlineData(2L << 30, false, 2L << 30, 14.5, "sha256")]
    [InlineData(2L << 30, true, 3L << 30, 14.5, "each byte should leave it once")]
    [InlineData(1L << 20, true, 1L << 20, 99, "ask for a larger one with --size")]
    [InlineData(64L << 20, true, 64L << 20, 99, "saves 0.67 s of a model of 64 MiB")]
    [InlineData(2L << 30, true, 2L << 30, 99, "something else uses this machine")]
    public void A_demo_that_is_not_ok_says_why(
        long modelBytes, bool match, long originBytes, double coldSeconds, string part)
    {
        var measure = new DemoMeasure([new ModelFile("a", modelBytes, "")], match, 32, coldSeconds, 5);
        var report = measure.Judge(Stats(originBytes), 3, 3, Origin);
        Assert.Equal(part.Length == 0, report.Ok);
        if (part.Length == 0)
            Assert.Empty(report.Failures);
        else
            Assert.Contains(part, Assert.Single(report.Failures), StringComparison.Ordinal);
    }

    private static NodeStats Stats(long originBytes)
    {
        var tier = new TierStats(0, 0, 0, 0);
        return new NodeStats(
            "demo-1", "0", 1, new(originBytes, 1, 0, 0, new(0, 0, 0, 0, 0)), new(tier, tier, tier), new(0, 0, 0), null,
            new(0, 0, 0, 0, 0, 0, 0, []), new(0, 0), new(0, 0, 0, 0));
    }
}
