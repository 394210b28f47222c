using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class RetryTests
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData(500, FailureKind.OriginUnavailable)]
    [InlineData(502, FailureKind.OriginUnavailable)]
    [InlineData(503, FailureKind.Throttled)]
    [InlineData(429, FailureKind.Throttled)]
    public async Task WhatMayWorkLaterIsTriedSoOften(int status, FailureKind kind)
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Faults = _ => new Fault { Status = status };
        var work = bench.Origin.HeadAsync("key", CancellationToken.None).AsTask();
        var answer = await bench.FastForwardAsync(work, TimeSpan.FromMilliseconds(200), "HEAD");
        Assert.Equal((kind, RetryAdvice.Later), (answer.Failure?.Kind, answer.Failure?.Retry));
        Assert.Equal(Limits.OriginAttempts, bench.Server.Log.Heads.Count);
        Assert.Equal(Limits.OriginAttempts, bench.Meter.Requests);
        Assert.Equal(Limits.OriginAttempts, kind == FailureKind.Throttled ? bench.Meter.Throttled : bench.Meter.Errors);
        Assert.False(bench.Origin.IsReachable);
    }

    [Theory]
    [InlineData(401, FailureKind.Unauthorized)]
    [InlineData(403, FailureKind.AccessDenied)]
    [InlineData(404, FailureKind.NotFound)]
    public async Task WhatStaysWrongIsTriedOnce(int status, FailureKind kind)
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Faults = _ => new Fault { Status = status };
        var answer = await bench.Origin.HeadAsync("key", CancellationToken.None);
        Assert.Equal((kind, RetryAdvice.Never), (answer.Failure?.Kind, answer.Failure?.Retry));
        Assert.Single(bench.Server.Log.Heads);
        Assert.Equal(kind == FailureKind.NotFound, bench.Origin.IsReachable);
    }

    [Fact]
    public async Task AWorkingAttemptEndsTheRetries()
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Put(OriginBench.Bucket, "key", FakeContent.From("text"));
        bench.Server.Faults = request => request.Attempt < 3 ? new Fault { Status = 500 } : null;
        var work = bench.Origin.HeadAsync("key", CancellationToken.None).AsTask();
        Assert.Equal(4, (await bench.FastForwardAsync(work, Step, "HEAD")).Value.SizeBytes);
        Assert.Equal((3, 2), (bench.Meter.Requests, bench.Meter.Errors));
        Assert.True(bench.Origin.IsReachable);
    }

    [Fact]
    public async Task ListingsAreTriedAgainToo()
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Put(OriginBench.Bucket, "key", FakeContent.From("text"));
        bench.Server.Faults = request => request.Attempt < 2 ? new Fault { Status = 503 } : null;
        var work = bench.Origin.ListAsync(new ListRequest("", null, "", 10), CancellationToken.None).AsTask();
        Assert.Equal("key", Assert.Single((await bench.FastForwardAsync(work, Step, "listing")).Value.Entries).Key);
    }

    [Fact]
    public async Task RetryAfterIsWaitedFor()
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Put(OriginBench.Bucket, "key", FakeContent.From("text"));
        bench.Server.Faults = request => request.Attempt < 2 ? new Fault { Status = 503, RetryAfter = "7" } : null;
        var start = bench.Time.GetUtcNow();
        var work = bench.Origin.HeadAsync("key", CancellationToken.None).AsTask();
        Assert.True((await bench.FastForwardAsync(work, Step, "HEAD")).IsOk);
        Assert.True(bench.Time.GetUtcNow() - start >= TimeSpan.FromSeconds(7), "The second attempt came too early.");
    }

    [Fact]
    public async Task ARetryAfterBeyondTheBoundGoesToTheCaller()
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Faults = _ => new Fault { Status = 503, RetryAfter = "3600" };
        var answer = await bench.Origin.HeadAsync("key", CancellationToken.None);
        Assert.Equal(
            (FailureKind.Throttled, TimeSpan.FromHours(1)), (answer.Failure?.Kind, answer.Failure?.RetryAfter));
        Assert.Single(bench.Server.Log.Heads);
    }

    [Fact]
    public async Task WaitsEndWhenTheCallerGivesUp()
    {
        await using var bench = await OriginBench.StartAsync();
        bench.Server.Faults = _ => new Fault { Status = 500 };
        using var cancel = new CancellationTokenSource();
        var work = bench.Origin.HeadAsync("key", cancel.Token).AsTask();
        await bench.UntilAsync(() => bench.Server.Log.Heads.Count == 1 && bench.Meter.Errors == 1, "first attempt");
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        Assert.Single(bench.Server.Log.Heads);
    }

    [Fact]
    public async Task ARefusedConnectionIsAnUnavailableOrigin()
    {
        await using var bench = await OriginBench.StartAsync();
        await bench.Server.DisposeAsync();
        var work = bench.Origin.HeadAsync("key", CancellationToken.None).AsTask();
        var answer = await bench.FastForwardAsync(work, TimeSpan.FromMilliseconds(200), "HEAD");
        Assert.Equal(FailureKind.OriginUnavailable, answer.Failure?.Kind);
        Assert.Equal(Limits.OriginAttempts, bench.Meter.Errors);
    }
}
