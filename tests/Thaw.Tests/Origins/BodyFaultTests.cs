using Thaw.Core;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class BodyFaultTests
{
    private const int SizeBytes = 5_000_000;
    private const int BreakAt = 1_234_567;

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    public static TheoryData<string, Fault> Breaks => new()
    {
        { "truncated", new Fault { TruncateAfter = BreakAt } },
        { "truncated at once", new Fault { TruncateAfter = 0 } },
        { "truncated without length", new Fault { TruncateAfter = BreakAt, Chunked = true } },
        { "reset", new Fault { ResetAfter = BreakAt } },
        { "stalled", new Fault { StallAfter = BreakAt } },
        { "no answer", new Fault { NoAnswer = true } },
        { "another range", new Fault { ContentRange = $"bytes 1-{SizeBytes - 1}/{SizeBytes}" } },
        { "no range", new Fault { ContentRange = "nonsense" } },
        { "too much", new Fault { SendExtra = 100 } },
        { "throttled", new Fault { Status = 503 } },
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task ABodyThatBreaksGoesOnAtTheByte(string name, Fault fault)
    {
        await using var bench = await OriginBench.StartAsync();
        var (content, version) = await bench.PutAsync("key", SizeBytes);
        bench.Server.Faults = request => request is { IsGet: true, Attempt: 1 } ? fault : null;
        var read = await bench.FastForwardAsync(bench.ReadAsync("key", version), Step, name);
        Assert.True(read.IsOk, read.Failure?.Message);
        Assert.Equal(content.ToArray(), read.Value);
        Assert.Equal(2, bench.Server.Log.Gets.Count);
        Assert.All(bench.Server.Log.Gets, request => Assert.Equal(version.ETag, request.IfMatch));
        // Every byte is handed out and counted once, whatever happened on the way.
        Assert.Equal(SizeBytes, bench.Meter.OriginBytes(OriginCause.Reader));
        Assert.Equal(1, bench.Meter.Errors + bench.Meter.Throttled);
    }

    [Fact]
    public async Task ResumingAsksOnlyForTheRest()
    {
        await using var bench = await OriginBench.StartAsync();
        var (content, version) = await bench.PutAsync("key", SizeBytes);
        bench.Server.Faults = request =>
            request is { IsGet: true, Attempt: 1 } ? new Fault { StallAfter = BreakAt } : null;
        var read = await bench.FastForwardAsync(bench.ReadAsync("key", version), Step, "read");
        Assert.Equal(content.ToArray(), read.Value);
        Assert.Equal([$"bytes=0-{SizeBytes - 1}", $"bytes={BreakAt}-{SizeBytes - 1}"],
            bench.Server.Log.Gets.Select(r => r.Range));
    }

    [Fact]
    public async Task ProgressResetsTheAttempts()
    {
        await using var bench = await OriginBench.StartAsync();
        var (content, version) = await bench.PutAsync("key", SizeBytes);
        bench.Server.Faults = request => request.IsGet ? new Fault { TruncateAfter = SizeBytes / 20 } : null;
        var read = await bench.FastForwardAsync(bench.ReadAsync("key", version), Step, "read");
        Assert.Equal(content.ToArray(), read.Value);
        Assert.True(
            bench.Server.Log.Gets.Count >= 20, "There were more breaks than attempts without progress are allowed.");
    }

    [Fact]
    public async Task AttemptsWithoutProgressAreBounded()
    {
        await using var bench = await OriginBench.StartAsync();
        var (_, version) = await bench.PutAsync("key", SizeBytes);
        bench.Server.Faults = request => !request.IsGet ? null
            : request.Attempt == 1 ? new Fault { TruncateAfter = BreakAt } : new Fault { TruncateAfter = 0 };
        var read = await bench.FastForwardAsync(bench.ReadAsync("key", version), Step, "read");
        Assert.Equal(FailureKind.OriginUnavailable, read.Failure?.Kind);
        Assert.Equal(Limits.OriginAttempts, bench.Server.Log.Gets.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnObjectThatChangesIsNeverMixed(bool isConditionIgnored)
    {
        await using var bench = await OriginBench.StartAsync();
        var (content, version) = await bench.PutAsync("key", SizeBytes);
        bench.Server.Faults = request => request switch
        {
            { IsGet: true, Attempt: 1 } => new Fault { TruncateAfter = BreakAt },
            { IsGet: true } => new Fault { IgnoreIfMatch = isConditionIgnored },
            _ => null,
        };
        await using var body = (await bench.OpenAsync("key", version)).Value;
        var bytes = new byte[SizeBytes];
        var at = 0;
        while (at < BreakAt)
            at += (await body.ReadAsync(bytes.AsMemory(at, BreakAt - at), CancellationToken.None)).Value;
        bench.Server.Put(OriginBench.Bucket, "key", FakeContent.Of(SizeBytes, 12));
        var rest = await bench.FastForwardAsync(
            body.ReadAsync(bytes.AsMemory(at), CancellationToken.None).AsTask(), Step, "read");
        Assert.Equal(FailureKind.VersionChanged, rest.Failure?.Kind);
        Assert.Equal(content.ToArray(0, BreakAt), bytes[..BreakAt]);
        Assert.Equal(2, bench.Server.Log.Gets.Count);
    }

    [Theory]
    [InlineData("another ETag")]
    [InlineData("another size")]
    [InlineData("shorter")]
    public async Task AnswersAreComparedWithThePin(string how)
    {
        await using var bench = await OriginBench.StartAsync();
        var (_, version) = await bench.PutAsync("key", 1000);
        bench.Server.Faults = _ =>
            new Fault { IgnoreIfMatch = true, ETag = how == "another ETag" ? "\"other\"" : version.ETag };
        if (how == "another size")
            bench.Server.Put(OriginBench.Bucket, "key", FakeContent.Of(1001, 1));
        if (how == "shorter")
            bench.Server.Put(OriginBench.Bucket, "key", FakeContent.Of(0, 1));
        var opened = await bench.OpenAsync("key", version);
        Assert.Equal(FailureKind.VersionChanged, opened.Failure?.Kind);
    }

    [Fact]
    public async Task AWholeAnswerToAWholeRangeIsGood()
    {
        await using var bench = await OriginBench.StartAsync();
        var (content, version) = await bench.PutAsync("key", 1000);
        bench.Server.Faults = _ => new Fault { IgnoreRange = true };
        Assert.Equal(content.ToArray(), (await bench.ReadAsync("key", version)).Value);
    }

    [Fact]
    public async Task ASlowReaderIsNoStall()
    {
        await using var bench = await OriginBench.StartAsync();
        var (_, version) = await bench.PutAsync("key", 1000);
        await using var body = (await bench.OpenAsync("key", version)).Value;
        var piece = new byte[1];
        Assert.Equal(1, (await body.ReadAsync(piece, CancellationToken.None)).Value);
        bench.Time.Advance(Limits.OriginNoProgress * 10);
        Assert.Equal(1, (await body.ReadAsync(piece, CancellationToken.None)).Value);
        Assert.Single(bench.Server.Log.Gets);
    }
}
