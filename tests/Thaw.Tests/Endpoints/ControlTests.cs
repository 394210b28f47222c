using System.Net;
using System.Text;
using System.Text.Json;
using Thaw.Core.Failures;
using Thaw.Endpoints.Control;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class ControlTests
{
    public static TheoryData<FailureKind> Kinds => [.. Enum.GetValues<FailureKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Every_failure_is_a_problem_document(FailureKind kind)
    {
        await using var bench = await ControlBench.StartAsync();
        bench.Node.Failure = new Failure(kind, "One sentence.", RetryAdvice.Later);
        using var answer = await bench.Http.GetAsync("/api/v1/objects?path=models/");
        Assert.Equal(Problems.StatusOf(kind), (int)answer.StatusCode);
        var problem = await ProblemAsync(answer);
        Assert.Equal("One sentence.", problem.GetProperty("detail").GetString());
        Assert.Equal(kind.ToString(), problem.GetProperty("kind").GetString(), ignoreCase: true);
        Assert.Equal("later", problem.GetProperty("retry").GetString());
        Assert.Equal((int)answer.StatusCode, problem.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("""{"kind":"load","paths":["models/"],"extra":1}""", "extra")]
    [InlineData("""{"kind":"load"}""", "paths")]
    [InlineData("""{"paths":["a"]}""", "kind")]
    [InlineData("""{"kind":"load","paths":"models/"}""", "paths")]
    [InlineData("""{"kind":"load","paths":[1]}""", "paths")]
    [InlineData("""{"kind":"load","paths":[null]}""", "paths")]
    [InlineData("""{"kind":"load","paths":[]}""", "paths")]
    [InlineData("""{"kind":"burn","paths":["a"]}""", "burn")]
    [InlineData("""{"kind":"load","paths":["a"],"bandwidthBytesPerSecond":"1"}""", "bandwidthBytesPerSecond")]
    [InlineData("""{"kind":"load","paths":["a"],"bandwidthBytesPerSecond":0}""", "bandwidthBytesPerSecond")]
    [InlineData("""{"kind":"load","kind":"verify","paths":["a"]}""", "kind")]
    [InlineData("""{"kind":""", "JSON")]
    [InlineData("[]", "object")]
    [InlineData("", "JSON")]
    public async Task Bad_bodies_are_told_in_a_sentence(string body, string word)
    {
        await using var bench = await ControlBench.StartAsync();
        using var answer = await bench.Http.PostAsync("/api/v1/jobs", Json(body));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(word, (await ProblemAsync(answer)).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Large_bodies_and_other_media_types_are_refused()
    {
        await using var bench = await ControlBench.StartAsync();
        using var large = await bench.Http.PostAsync("/api/v1/free", Json($"[\"{new string('x', 2 << 20)}\"]"));
        Assert.Equal(HttpStatusCode.BadRequest, large.StatusCode);
        Assert.Contains("larger", (await ProblemAsync(large)).GetProperty("detail").GetString());
        using var form = await bench.Http.PostAsync("/api/v1/free", new StringContent("{\"paths\":[\"a\"]}"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, form.StatusCode);
        Assert.Contains("JSON", (await ProblemAsync(form)).GetProperty("detail").GetString());
    }

    [Theory]
    [InlineData("GET", "/api/v1/nothing", 404)]
    [InlineData("GET", "/api/v2", 404)]
    [InlineData("PUT", "/api/v1/jobs", 405)]
    [InlineData("GET", "/api/v1/jobs/none", 404)]
    [InlineData("DELETE", "/api/v1/jobs/none", 404)]
    [InlineData("GET", "/api/v1/objects", 400)]
    [InlineData("GET", "/api/v1/objects?path=m&limit=0", 400)]
    [InlineData("GET", "/api/v1/objects?path=m&limit=many", 400)]
    [InlineData("GET", "/api/v1/stats?scope=world", 400)]
    public async Task Wrong_requests_are_problems(string method, string path, int status)
    {
        await using var bench = await ControlBench.StartAsync();
        using var answer = await bench.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.NotEmpty((await ProblemAsync(answer)).GetProperty("detail").GetString()!);
    }

    [Fact]
    public async Task A_bug_is_told_without_its_trace()
    {
        await using var bench = await ControlBench.StartAsync();
        bench.Node.Bug = new InvalidOperationException("secret");
        using var answer = await bench.Http.GetAsync("/api/v1/stats");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.DoesNotContain("secret", (await ProblemAsync(answer)).ToString());
    }

    [Fact]
    public async Task Operations_reach_the_node()
    {
        await using var bench = await ControlBench.StartAsync();
        using var stats = JsonDocument.Parse(await bench.Http.GetStringAsync("/api/v1/stats?scope=cluster"));
        Assert.Equal("n1", stats.RootElement.GetProperty("node").GetString());
        Assert.Equal(2, stats.RootElement.GetProperty("served").GetProperty("s3").GetProperty("origin").GetInt64());
        Assert.Equal(JsonValueKind.Null, stats.RootElement.GetProperty("hitRatio").ValueKind);
        await bench.Http.GetStringAsync("/api/v1/objects?path=models/a%20b&continuation=c&limit=7");
        Assert.Equal(("models/a b", "c", 7), bench.Node.Asked);
        using var job = await bench.Http.PostAsync("/api/v1/jobs", Json("""{"kind":"load","paths":["models/"]}"""));
        Assert.Equal(HttpStatusCode.Accepted, job.StatusCode);
        var read = await bench.Http.GetStringAsync(job.Headers.Location);
        Assert.Contains("\"on\":\"all\"", read);
        using var cancelled = await bench.Http.DeleteAsync(job.Headers.Location);
        Assert.Contains("cancelled", await cancelled.Content.ReadAsStringAsync());
        using var freed = await bench.Http.PostAsync("/api/v1/free", Json("""{"paths":["a","b"]}"""));
        Assert.Contains("\"objects\":2", await freed.Content.ReadAsStringAsync());
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Delete })
        {
            using var pin = await bench.Http.SendAsync(
                new HttpRequestMessage(method, "/api/v1/pins") { Content = Json("""{"paths":["m/"]}""") });
            Assert.Equal(HttpStatusCode.OK, pin.StatusCode);
        }

        Assert.Equal([true, false], bench.Node.Pins.Select(pin => pin.Pinned));
    }

    [Fact]
    public async Task Health_readiness_and_the_page_of_links()
    {
        await using var bench = await ControlBench.StartAsync();
        Assert.Equal("ok\n", await bench.Http.GetStringAsync("/healthz"));
        Assert.Contains("\"ready\":true", await bench.Http.GetStringAsync("/readyz"));
        bench.Node.Ready = new(false, ["A disk is being scanned."]);
        using var answer = await bench.Http.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("A disk is being scanned.", await answer.Content.ReadAsStringAsync());
        var page = await bench.Http.GetStringAsync("/");
        foreach (var link in page.Split("href=\"").Skip(1)
            .Select(part => part[..part.IndexOf('"', StringComparison.Ordinal)]))
        {
            using var linked = await bench.Http.GetAsync(link);
            Assert.True(linked.IsSuccessStatusCode || link == "/readyz", link);
        }
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage answer)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.Clone();
    }
}
