using Microsoft.Extensions.Time.Testing;
using Thaw.Cli;
using Thaw.Cli.Progress;
using Thaw.Core.Units;
using Xunit;

namespace Thaw.Tests.Cli;

public sealed class ProgressTests
{
    [Fact]
    public void The_rate_is_that_of_the_last_seconds()
    {
        var clock = new FakeTimeProvider();
        var rate = new RateWindow(clock);
        Assert.Equal(0, rate.BytesPerSecond);
        for (var second = 0; second <= 20; second++)
        {
            rate.Add(second < 10 ? second * 100 : 900 + (second - 9) * 10);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(10, rate.BytesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(7), rate.Left(70));
    }

    [Fact]
    public void Plain_progress_comes_every_few_seconds_and_live_progress_is_repainted()
    {
        var clock = new FakeTimeProvider();
        using var plain = new StringWriter();
        using var live = new StringWriter();
        var views = new[]
        {
            new ProgressView(
                new Terminal { Out = TextWriter.Null, Error = plain, Clock = clock }, "load", quiet: false),
            new ProgressView(
                new Terminal { Out = TextWriter.Null, Error = live, Clock = clock, Live = true }, "load", quiet: true),
        };
        for (var second = 0; second <= 10; second++)
        {
            foreach (var view in views)
                view.Show(second << 20, 10 << 20, [new("one", 1, 2), new("two", 1, 2)]);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        var lines = plain.ToString().TrimEnd().Split(Environment.NewLine);
        Assert.Equal(3, lines.Length);
        Assert.Equal("load: 5 MiB of 10 MiB (50%), 1 MiB/s, 5.0s left", lines[1]);
        Assert.Equal(10, live.ToString().Split("\e[3F\e[J").Length - 1);
    }

    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("10s", 10_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("0", 0)]
    public void Durations_are_read_and_written(string text, long milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));
        Assert.Equal(milliseconds, (long)duration.TotalMilliseconds);
        Assert.True(Duration.TryParse(Duration.Format(duration), out var again));
        Assert.Equal(duration, again);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("-5s")]
    [InlineData("5s1h")]
    [InlineData("5s5s")]
    [InlineData("s")]
    [InlineData("5 s")]
    [InlineData("99999999999999999d")]
    [InlineData("9999999999999999999999999999999s")]
    public void Rubbish_is_no_duration(string text) => Assert.False(Duration.TryParse(text, out _));
}
