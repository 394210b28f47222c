using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Core.Units;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class LimitTests
{
    [Fact]
    public async Task NoMoreRequestsThanConnectionsOverAllMounts()
    {
        await using var bench = await OriginBench.StartAsync(new OriginsConfig { Connections = 4 });
        var (content, version) = await bench.PutAsync("key", 100_000);
        await using var other = bench.AnotherMount(new MountMeter("other"));
        var gate = new TaskCompletionSource();
        bench.Server.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        var range = Thaw.Core.Chunks.ByteRange.All(version.SizeBytes);
        var reads = Enumerable.Range(0, 12)
            .Select(i => OriginUnderTest.ReadAsync(i % 2 == 0 ? bench.Origin : other, "key", version, range))
            .ToList();
        // One connection of four is kept for questions, which are answered while all bodies hang.
        await bench.UntilAsync(() => bench.Server.Log.AtOnce == 3, "three bodies at once");
        Assert.True((await bench.Origin.HeadAsync("key", CancellationToken.None)).IsOk);
        Assert.True((await other.ListAsync(new ListRequest("", null, "", 1), CancellationToken.None)).IsOk);
        Assert.Equal(3, bench.Server.Log.Gets.Count);
        gate.SetResult();
        foreach (var read in await Task.WhenAll(reads))
            Assert.Equal(content.ToArray(), read.Value);
        Assert.Equal(12, bench.Server.Log.Gets.Count);
        Assert.InRange(bench.Server.Log.PeakAtOnce, 3, 4);
    }

    [Fact]
    public async Task WaitingForAConnectionIsBounded()
    {
        await using var bench = await OriginBench.StartAsync(new OriginsConfig { Connections = 1 });
        var (_, version) = await bench.PutAsync("key", 1_000_000);
        await using (var held = (await bench.OpenAsync("key", version)).Value)
        {
            var second = bench.OpenAsync("key", version);
            bench.Time.Advance(Limits.OriginSlot);
            Assert.Equal((FailureKind.Busy, RetryAdvice.Elsewhere),
                ((await second).Failure?.Kind, (await second).Failure?.Retry));
            using var cancel = new CancellationTokenSource();
            var third = bench.Origin.HeadAsync("key", cancel.Token).AsTask();
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        }

        Assert.True((await bench.Origin.HeadAsync("key", CancellationToken.None)).IsOk);
    }

    [Fact]
    public async Task BandwidthIsSharedAndKept()
    {
        const int Rate = 1_000_000;
        await using var bench = await OriginBench.StartAsync(new OriginsConfig { Bandwidth = new ByteSize(Rate) });
        var (content, version) = await bench.PutAsync("key", 2 * Rate);
        await using var other = bench.AnotherMount(new MountMeter("other"));
        var start = bench.Time.GetUtcNow();
        var range = Thaw.Core.Chunks.ByteRange.All(version.SizeBytes);
        var reads = Task.WhenAll(
            OriginUnderTest.ReadAsync(bench.Origin, "key", version, range),
            OriginUnderTest.ReadAsync(other, "key", version, range));
        foreach (var read in await bench.FastForwardAsync(reads, TimeSpan.FromMilliseconds(20), "reads"))
            Assert.Equal(content.ToArray(), read.Value);
        // Four seconds' worth of bytes; the burst and the last reads, which nobody waits for, come on top.
        Assert.True(bench.Time.GetUtcNow() - start >= TimeSpan.FromSeconds(3.6),
            $"Too fast: {bench.Time.GetUtcNow() - start}.");
    }
}
