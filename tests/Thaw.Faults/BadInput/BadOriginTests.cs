using System.Net;
using System.Xml.Linq;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.BadInput;

/// <summary>
/// Origins that misbehave: a reader gets right bytes or one sentence, never wrong bytes, and the node goes on.
/// </summary>
public sealed class BadOriginTests(BadInputNode node) : IClassFixture<BadInputNode>
{
    private const int Bytes = (8 << 20) + 4321;

    /// <summary>Every way in which one answer may be wrong. Given the attempt, from 1; null: a good one.</summary>
    private static readonly Dictionary<string, Func<OriginRequest, Fault?>> Faults = new()
    {
        ["is down for good"] = _ => new Fault { Status = 503 },
        ["refuses"] = _ => new Fault { Status = 403 },
        ["wants credentials"] = _ => new Fault { Status = 401 },
        ["has lost it"] = _ => new Fault { Status = 404 },
        ["sends elsewhere"] = _ => new Fault { Status = 301, Code = "PermanentRedirect" },
        ["asks to wait an hour"] = _ => new Fault { Status = 503, Code = "SlowDown", RetryAfter = "3600" },
        ["fails once"] = request => request.Attempt == 1 ? new Fault { Status = 500 } : null,
        ["truncates once"] = request => OfBody(request, 1, new Fault { TruncateAfter = 1 << 20 }),
        ["truncates always"] = request => OfBody(request, int.MaxValue, new Fault { TruncateAfter = 0 }),
        ["breaks off once"] = request => OfBody(request, 1, new Fault { ResetAfter = 300_000 }),
        ["stalls once"] = request => OfBody(request, 1, new Fault { StallAfter = 100_000 }),
        ["is slow"] = request => OfBody(request, int.MaxValue, new Fault { BytesPerSecond = 4_000_000 }),
        ["sends too much"] = request => OfBody(request, int.MaxValue, new Fault { SendExtra = 1000 }),
        ["answers another range"] = request =>
            OfBody(request, int.MaxValue, new Fault { ContentRange = "bytes 5-9/10" }),
        ["ignores the range"] = request => OfBody(request, int.MaxValue, new Fault { IgnoreRange = true }),
        ["answers another version"] = request =>
            OfBody(request, int.MaxValue, new Fault { ETag = "\"another\"", IgnoreIfMatch = true }),
        ["flips a bit under its own sum"] = request => OfBody(request, int.MaxValue, new Fault { FlipBitAt = 77 }),
        ["says nothing of the length"] = request => OfBody(request, int.MaxValue, new Fault { Chunked = true }),
    };

    /// <summary>
    /// What happens, and the status that a reader sees; 0: cut, or an error that begins after the head.
    /// </summary>
    public static TheoryData<string, int> Answers { get; } = new()
    {
        { "is down for good", 503 },
        { "refuses", 403 },
        { "wants credentials", 403 },
        { "has lost it", 404 },
        { "sends elsewhere", -1 },
        { "asks to wait an hour", 503 },
        { "fails once", 200 },
        { "truncates once", 200 },
        { "truncates always", -1 },
        { "breaks off once", 200 },
        { "stalls once", 200 },
        { "is slow", 200 },
        { "sends too much", -1 },
        { "answers another range", -1 },
        { "ignores the range", -1 },
        { "answers another version", -1 },
        { "flips a bit under its own sum", -1 },
        { "says nothing of the length", 200 },
    };

    /// <summary>Bucket, status, and a part of the sentence.</summary>
    public static TheoryData<string, int, string> Mounts { get; } = new()
    {
        { "closed", 503, "127.0.0.1" },
        { "nowhere", 503, "cannot be resolved" },
        { "stranger", 503, "certificate" },
        { "nonsense", 503, "127.0.0.1" },
        { "gone", 0, "thaw-no-such-directory" },
        { "no-bucket", 404, "other" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task An_origin_that_misbehaves_gives_right_bytes_or_a_sentence(string name, int status)
    {
        var token = TestContext.Current.CancellationToken;
        var key = "bad/" + name.Replace(' ', '-');
        var content = FakeContent.Of(Bytes, name.Length);
        node.Origin.Put("bucket", key, content, new FakeObjectOptions { Sum = FakeSum.Crc32C });
        var fault = Faults[name];
        var faulty = 0;
        node.Origin.Faults = request =>
        {
            var answer = request.Key == key ? fault(request) : null;
            if (answer is not null)
                Interlocked.Increment(ref faulty);
            return answer;
        };
        try
        {
            var (answered, body) = await GetAsync($"/models/{key}", token);
            Assert.True(faulty > 0, $"{name}: the fault did not happen");
            Judge(name, status, answered, body, content.ToArray());
            await node.StillServesAsync(token);
        }
        finally
        {
            node.Origin.Faults = null;
        }
    }

    [Theory]
    [MemberData(nameof(Mounts))]
    public async Task An_origin_that_is_not_there_is_named(string bucket, int status, string part)
    {
        var token = TestContext.Current.CancellationToken;
        var (answered, body) = await GetAsync($"/{bucket}/key", token);
        Assert.NotNull(body);
        var message = Message(body);
        Assert.True(status == 0 ? (int)answered >= 400 : status == (int)answered,
            $"{bucket}: {(int)answered} {message}");
        Sentence.Check(message);
        Assert.Contains(part, message, StringComparison.Ordinal);
        await node.StillServesAsync(token);
    }

    [Fact]
    public async Task An_object_that_changes_in_the_middle_is_never_mixed()
    {
        var token = TestContext.Current.CancellationToken;
        const string key = "bad/changes";
        var before = FakeContent.Of(Bytes, 1);
        var after = FakeContent.Of(Bytes, 2);
        // One answer that mixes two versions under one ETag shows only by the object's sum.
        node.Origin.Put("bucket", key, before, new FakeObjectOptions { Sum = FakeSum.Crc32C });
        var changed = 0;
        // The first chunk's request, since the last one is too short to change in its middle.
        node.Origin.Faults = request => request is { Key: key, Method: "GET" }
            && request.Range.StartsWith("bytes=0-", StringComparison.Ordinal)
                && Interlocked.Exchange(ref changed, 1) == 0
            ? new Fault { Change = (3 << 20, after) } : null;
        try
        {
            var (answered, body) = await GetAsync($"/models/{key}", token);
            Assert.Equal(1, changed);
            if (answered == HttpStatusCode.OK && body is not null)
                Assert.True(body.AsSpan().SequenceEqual(before.ToArray())
                    || body.AsSpan().SequenceEqual(after.ToArray()),
                    "Bytes of two versions in one answer, or wrong ones.");
            else if (body is not null)
                Sentence.Check(Message(body));
            var (again, now) = await GetAsync($"/models/{key}", token);
            Assert.Equal(HttpStatusCode.OK, again);
            Assert.True(now.AsSpan().SequenceEqual(after.ToArray()),
                "The new version is not what a later reader gets.");
            await node.StillServesAsync(token);
        }
        finally
        {
            node.Origin.Faults = null;
        }
    }

    private static Fault? OfBody(OriginRequest request, int attempts, Fault fault) =>
        request.Method == "GET" && request.Attempt <= attempts ? fault : null;

    private static void Judge(string name, int status, HttpStatusCode answered, byte[]? body, byte[] right)
    {
        if (status == 200)
        {
            Assert.True(answered == HttpStatusCode.OK && body is not null, $"{name}: {(int)answered}");
            Assert.True(body.AsSpan().SequenceEqual(right), $"{name}: wrong bytes");
            return;
        }

        if (body is null)
        {
            Assert.True(status == -1, $"{name}: cut after the head");
            return;
        }

        var message = Message(body);
        Assert.True(status == -1 ? (int)answered >= 400 : status == (int)answered,
            $"{name}: {(int)answered} {message}");
        Sentence.Check(message);
    }

    private static string Message(byte[] body)
    {
        using var stream = new MemoryStream(body);
        return XDocument.Load(stream).Root!.Element("Message")!.Value;
    }

    /// <summary>Status and body; no body if the connection was cut in it.</summary>
    private async Task<(HttpStatusCode Status, byte[]? Body)> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = node.Node.S3, Timeout = TimeSpan.FromMinutes(2) };
        using var answer = await http.GetAsync(
            new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        try
        {
            return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (HttpRequestException)
        {
            return (answer.StatusCode, null);
        }
    }
}
