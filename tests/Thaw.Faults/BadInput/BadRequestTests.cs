using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace Thaw.Faults.BadInput;

/// <summary>
/// Requests as no client should send them. What reaches S3 or the control API is answered with its error document and a
/// sentence; what is no HTTP at all with a bare status.
/// </summary>
public sealed class BadRequestTests(BadInputNode node) : IClassFixture<BadInputNode>
{
    private const string Ask = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    private static readonly string Accents = string.Concat(Enumerable.Repeat("%C3%A9", 512)); // 1,024 bytes of UTF-8

    /// <summary>
    /// Name, request without its last empty line, status, S3 error code ("" where the answer is a good one).
    /// </summary>
    public static TheoryData<string, string, int, string> S3Requests { get; } = new()
    {
        { "key with ..", "GET /files/../secret" + Ask, 400, "InvalidRequest" },
        { "key with encoded ..", "GET /files/%2e%2e/%2e%2e/etc/passwd" + Ask, 400, "InvalidRequest" },
        { "key with .. in the middle", "GET /files/a/../../secret" + Ask, 400, "InvalidRequest" },
        { "key with an encoded slash", "GET /files/..%2fsecret" + Ask, 400, "InvalidRequest" },
        { "absolute key", "GET /files//etc/passwd" + Ask, 400, "InvalidRequest" },
        { "key with NUL", "GET /models/a%00b" + Ask, 400, "-" },
        { "key that is no UTF-8", "GET /models/%ff%fe" + Ask, 400, "InvalidURI" },
        { "percent sign alone", "GET /models/50%" + Ask, 400, "InvalidURI" },
        { "key of 1,024 bytes", $"GET /models/{Accents}" + Ask, 404, "NoSuchKey" },
        { "file name of 1,024 bytes", $"GET /files/{Accents}" + Ask, 404, "NoSuchKey" },
        { "key of 1,026 bytes", $"GET /models/{Accents}%C3%A9" + Ask, 400, "KeyTooLongError" },
        { "range behind the end", "GET /models/good" + Ask + "Range: bytes=99999999-\r\n", 416, "InvalidRange" },
        { "range of nothing", "GET /models/good" + Ask + "Range: bytes=-0\r\n", 416, "InvalidRange" },
        { "range beyond 64 bits", "GET /models/good" + Ask + "Range: bytes=99999999999999999999-\r\n", 416,
            "InvalidRange" },
        { "range backwards", "GET /files/small" + Ask + "Range: bytes=5-2\r\n", 200, "" },
        { "range in lines", "GET /files/small" + Ask + "Range: lines=1-2\r\n", 200, "" },
        { "unknown bucket", "GET /nobody/key" + Ask, 404, "NoSuchBucket" },
        { "bucket with NUL", "GET /%00/key" + Ask, 400, "-" },
        { "PUT", "PUT /models/key" + Ask + "Content-Length: 3\r\n", 405, "MethodNotAllowed" },
        { "DELETE of what is there", "DELETE /models/good" + Ask, 405, "MethodNotAllowed" },
        { "POST of an upload", "POST /models/key?uploads" + Ask + "Content-Length: 0\r\n", 405, "MethodNotAllowed" },
        { "a method of nobody", "FETCH /models/good" + Ask, 405, "MethodNotAllowed" },
        { "negative page", "GET /models?list-type=2&max-keys=-1" + Ask, 400, "InvalidArgument" },
        { "page of words", "GET /models?list-type=2&max-keys=many" + Ask, 400, "InvalidArgument" },
        { "token of nobody", "GET /models?list-type=2&continuation-token=%25%25" + Ask, 400, "InvalidArgument" },
        { "unknown encoding", "GET /models?encoding-type=rot13" + Ask, 400, "InvalidArgument" },
        { "part zero", "GET /models/good?partNumber=0" + Ask, 400, "InvalidArgument" },
        { "condition that fails", "GET /models/good" + Ask + "If-Match: \"nope\"\r\n", 412, "PreconditionFailed" },
        { "date of nobody", "GET /files/small" + Ask + "If-Modified-Since: yesterday\r\n", 200, "" },
        { "giant header", "GET /models/good" + Ask + $"X-A: {new string('a', 40_000)}\r\n", 431, "-" },
        { "giant target", $"GET /models/{new string('a', 40_000)}" + Ask, 414, "-" },
        { "header without a colon", "GET /models/good" + Ask + "nonsense\r\n", 400, "-" },
        { "two lengths", "GET /models/good" + Ask + "Content-Length: 1\r\nContent-Length: 2\r\n", 400, "-" },
        { "no HTTP", "\u0016\u0003\u0001 hello\r\n", 400, "-" },
        { "no host", "GET /models/good HTTP/1.1\r\nConnection: close\r\n", 400, "-" },
    };

    /// <summary>Name, method and path, body, status.</summary>
    public static TheoryData<string, string, string, int> ControlRequests { get; } = new()
    {
        { "no path", "GET /api/v1/objects", "", 400 },
        { "path from the root", "GET /api/v1/objects?path=%2Fetc", "", 400 },
        { "page of none", "GET /api/v1/objects?path=models%2F&limit=0", "", 400 },
        { "continuation of nobody", "GET /api/v1/objects?path=models%2F&continuation=%21%21", "", 400 },
        { "unknown mount", "GET /api/v1/objects?path=nobody%2F", "", 404 },
        { "missing object", "GET /api/v1/objects?path=models%2Fnone", "", 404 },
        { "unknown scope", "GET /api/v1/stats?scope=galaxy", "", 400 },
        { "broken JSON", "POST /api/v1/jobs", "{\"kind\":", 400 },
        { "JSON of another kind", "POST /api/v1/jobs", "[1,2]", 400 },
        { "job of nobody", "POST /api/v1/jobs", "{\"kind\":\"dance\",\"paths\":[\"models/\"]}", 400 },
        { "job without paths", "POST /api/v1/jobs", "{\"kind\":\"load\",\"paths\":[]}", 400 },
        { "job of an unknown mount", "POST /api/v1/jobs", "{\"kind\":\"load\",\"paths\":[\"nobody/\"]}", 404 },
        { "job backwards", "POST /api/v1/jobs",
            "{\"kind\":\"load\",\"paths\":[\"models/\"],\"bandwidthBytesPerSecond\":-1}", 400 },
        { "job on a thousand nodes", "POST /api/v1/jobs",
            "{\"kind\":\"load\",\"paths\":[\"models/\"],\"on\":\"1000\"}", 400 },
        { "unknown job", "GET /api/v1/jobs/nobody", "", 404 },
        { "pin of nothing", "POST /api/v1/pins", "{\"paths\":[\"\"]}", 400 },
        { "giant body", "POST /api/v1/free", "{\"paths\":[\"" + new string('a', 2 << 20) + "\"]}", 400 },
        { "unknown operation", "GET /api/v1/nothing", "", 404 },
    };

    [Theory]
    [MemberData(nameof(S3Requests))]
    public async Task A_bad_request_is_answered_as_S3_does(string name, string request, int status, string code)
    {
        var token = TestContext.Current.CancellationToken;
        var (answered, body) = await BadInputNode.SendAsync(node.Node.S3, Encoding.Latin1.GetBytes(request + "\r\n"),
            token);
        Assert.True(status == answered, $"{name}: {answered}\n{body[..Math.Min(500, body.Length)]}");
        Sentence.NoTrace(body);
        Assert.DoesNotContain("not to be read", body, StringComparison.Ordinal);
        if (code.Length > 1)
        {
            var error = XDocument.Parse(body).Root!;
            Assert.Equal(code, error.Element("Code")!.Value);
            Sentence.Check(error.Element("Message")!.Value);
        }

        await node.StillServesAsync(token);
    }

    [Theory]
    [MemberData(nameof(ControlRequests))]
    public async Task A_bad_question_is_answered_with_a_problem(string name, string line, string body, int status)
    {
        var token = TestContext.Current.CancellationToken;
        var request = $"{line}{Ask}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        var (answered, text) = await BadInputNode.SendAsync(node.Node.Control, Encoding.ASCII.GetBytes(request), token);
        Assert.True(status == answered, $"{name}: {answered}\n{text[..Math.Min(500, text.Length)]}");
        Sentence.NoTrace(text);
        using var problem = JsonDocument.Parse(
            text[text.IndexOf('{', StringComparison.Ordinal)..(text.LastIndexOf('}') + 1)]);
        Assert.Equal(status, problem.RootElement.GetProperty("status").GetInt32());
        Sentence.Check(problem.RootElement.GetProperty("detail").GetString()!);
        await node.StillServesAsync(token);
    }

    [Fact]
    public async Task Half_a_request_is_closed_and_holds_nobody_up()
    {
        var token = TestContext.Current.CancellationToken;
        var half = BadInputNode.SendAsync(node.Node.S3, Encoding.ASCII.GetBytes("GET /models/good HTTP/1.1\r\nHo"),
            token);
        await node.StillServesAsync(token);
        Assert.Equal(408, (await half).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Half_a_body_is_answered_or_forgotten_and_holds_nobody_up(bool hangsUp)
    {
        var token = TestContext.Current.CancellationToken;
        var half = Encoding.ASCII.GetBytes(
            $"POST /api/v1/jobs{Ask}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"kind\":\"load\",");
        var sent = BadInputNode.SendAsync(node.Node.Control, half, token, hangsUp);
        await node.StillServesAsync(token);
        var (status, body) = await sent;
        Assert.Contains(status, (int[])[0, 400, 408]);
        Sentence.NoTrace(body);
        await node.StillServesAsync(token);
    }

    [Fact]
    public void At_least_60_bad_inputs_are_listed()
    {
        var count = S3Requests.Count + ControlRequests.Count + 1 + BadConfigTests.Files.Count
            + BadConfigTests.Environments.Count + BadConfigTests.Places.Count
            + BadOriginTests.Answers.Count + BadOriginTests.Mounts.Count + 1;
        Assert.True(count >= 60, $"There are {count}.");
    }
}
