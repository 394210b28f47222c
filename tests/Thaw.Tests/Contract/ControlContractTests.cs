using System.Text.Json;
using Thaw.Cli;
using Thaw.Cli.Demo;
using Thaw.Tests.Endpoints;
using Xunit;

namespace Thaw.Tests.Contract;

/// <summary>The control endpoint is the one that was promised, in its OpenAPI document and in its answers.</summary>
public sealed class ControlContractTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Operations_are_the_promised_ones()
    {
        await using var bench = await ControlBench.StartAsync();
        using var api = await GetAsync(bench, "/openapi/v1.json");
        var built = api.RootElement.GetProperty("paths").EnumerateObject().SelectMany(path =>
            path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
            .ToArray();
        Assert.Equal(
            Promised.Operations.Except(Promised.OperationsToCome).Order(StringComparer.Ordinal),
            built.Order(StringComparer.Ordinal));
        foreach (var (operation, parameter) in Promised.Parameters)
        {
            var (method, path) = (operation.Split(' ')[0].ToLowerInvariant(), operation.Split(' ')[1]);
            var names = api.RootElement.GetProperty("paths").GetProperty(path).GetProperty(method)
                .GetProperty("parameters").EnumerateArray().Select(one => one.GetProperty("name").GetString());
            Assert.Contains(parameter, names);
        }
    }

    [Fact]
    public async Task Errors_are_problem_documents()
    {
        await using var bench = await ControlBench.StartAsync();
        foreach (var path in (string[])["/api/v1/stats?scope=galaxy", "/api/v1/jobs/none", "/api/v1/none"])
        {
            using var answer = await bench.Http.GetAsync(new Uri(path, UriKind.Relative), Stop);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Stop));
            Assert.Equal((int)answer.StatusCode, problem.RootElement.GetProperty("status").GetInt32());
            Assert.EndsWith(".", problem.RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Stats_hold_at_least_what_was_promised()
    {
        await using var bench = await ControlBench.StartAsync();
        using var promised = JsonDocument.Parse(Promised.Stats);
        using var answer = await GetAsync(bench, "/api/v1/stats");
        AssertHolds(promised.RootElement, answer.RootElement, "stats");
        using var api = await GetAsync(bench, "/openapi/v1.json");
        AssertDescribed(promised.RootElement, api.RootElement, "NodeStats");
    }

    [Fact]
    public void The_demo_prints_the_promised_object()
    {
        var report = new DemoReport(true, 1, 2, 3, true, 4, 5, 6, 0.5, 3, 7, 8, 9, 10, "0", []);
        var json = JsonSerializer.SerializeToElement(report, CliJson.Default.DemoReport);
        Assert.Empty(Promised.Demo.Except(json.EnumerateObject().Select(property => property.Name)));
    }

    private static async Task<JsonDocument> GetAsync(ControlBench bench, string path) =>
        JsonDocument.Parse(await bench.Http.GetStringAsync(new Uri(path, UriKind.Relative), Stop));

    private static void AssertHolds(JsonElement promised, JsonElement answer, string at)
    {
        // A ratio may be null: nothing was served.
        if (promised.ValueKind != JsonValueKind.Object)
        {
            Assert.True(promised.ValueKind == answer.ValueKind || answer.ValueKind == JsonValueKind.Null,
                $"{at} is {answer.ValueKind}");
            return;
        }

        foreach (var property in promised.EnumerateObject())
        {
            Assert.True(answer.TryGetProperty(property.Name, out var value), $"{at}.{property.Name} is missing");
            AssertHolds(property.Value, value, $"{at}.{property.Name}");
        }
    }

    private static void AssertDescribed(JsonElement promised, JsonElement api, string schema)
    {
        var described = api.GetProperty("components").GetProperty("schemas").GetProperty(schema);
        foreach (var property in promised.EnumerateObject())
        {
            Assert.True(described.GetProperty("properties").TryGetProperty(property.Name, out var value),
                $"{schema} does not describe {property.Name}");
            Assert.Contains(property.Name,
                described.GetProperty("required").EnumerateArray().Select(name => name.GetString()));
            if (property.Value.ValueKind == JsonValueKind.Object)
                AssertDescribed(property.Value, api, value.GetProperty("$ref").GetString()!.Split('/')[^1]);
        }
    }
}
