using Microsoft.Extensions.Time.Testing;
using Thaw.Endpoints.S3;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class S3ThrottleTests
{
    [Fact]
    public async Task All_connections_share_one_rate()
    {
        var time = new FakeTimeProvider();
        time.Advance(TimeSpan.FromSeconds(10));
        var throttle = new S3Throttle(1000, TimeSpan.FromSeconds(3));
        var first = throttle.TakeAsync(1050, time, default); // 50 of them are the burst
        var second = throttle.TakeAsync(1000, time, default);
        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(first.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await first;
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        await second;
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(throttle.TakeAsync(100, time, default).IsCompleted, "An idle hour saved up more than the burst.");
    }

    [Fact]
    public async Task Each_answer_waits_for_the_latency()
    {
        var time = new FakeTimeProvider();
        var wait = new S3Throttle(1, TimeSpan.FromMilliseconds(30)).DelayAnswerAsync(time, default);
        time.Advance(TimeSpan.FromMilliseconds(29));
        Assert.False(wait.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        await wait;
    }
}
