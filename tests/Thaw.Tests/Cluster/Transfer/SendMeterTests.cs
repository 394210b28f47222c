using Thaw.Cluster.Transfer.Server;
using Xunit;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>The rate at which a node sends while it has something to send.</summary>
public sealed class SendMeterTests
{
    [Fact]
    public void Idle_time_does_not_count()
    {
        var meter = new SendMeter();
        for (long now = 0; now < 5000; now += 50)
        {
            // 20 ms of each tick something is queued.
            meter.AddQueued(1_000_000, now);
            meter.AddSent(1_000_000);
            meter.AddQueued(-1_000_000, now + 20);
            meter.Tick(now + 50);
        }

        Assert.InRange(meter.BytesPerSecond, 49e6, 51e6);
        Assert.Equal(0, meter.QueuedBytes);
        Assert.Equal(100_000_000, meter.Bytes);
    }

    [Fact]
    public void A_burst_into_an_empty_buffer_says_nothing()
    {
        var meter = new SendMeter();
        meter.Tick(0);
        meter.AddQueued(1_000_000, 10);
        meter.AddSent(1_000_000);
        meter.AddQueued(-1_000_000, 11);
        meter.Tick(50);
        Assert.Equal(0, meter.BytesPerSecond);
    }
}
