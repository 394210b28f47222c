using System.Text;
using System.Text.RegularExpressions;
using Thaw.Core.Metering;
using Xunit;

namespace Thaw.Tests.Endpoints;

/// <summary>
/// The committed reference pages say what the node says. <c>THAW_UPDATE_REFERENCE=1</c> writes them anew.
/// </summary>
public sealed partial class ReferenceTests
{
    private const string Head = """
        # Metrics

        What `/metrics` on the control port says, in Prometheus text format. A test compares this table with a running
        node; `THAW_UPDATE_REFERENCE=1` writes it anew.

        | name | type | unit | labels | help |
        |---|---|---|---|---|

        """;

    [Fact]
    public async Task OpenApi_document_is_the_committed_one()
    {
        await using var bench = await ControlBench.StartAsync();
        Compare("openapi.json",
            (await bench.Http.GetStringAsync("/openapi/v1.json")).ReplaceLineEndings("\n").TrimEnd() + "\n");
    }

    [Fact]
    public async Task Metrics_page_is_what_the_node_exports()
    {
        await using var bench = await ControlBench.StartAsync();
        bench.Mount.AddOriginBytes(OriginCause.Load, 42);
        bench.Mount.AddServed(Face.S3, Tier.Local, 43);
        bench.ChunkFetch.Record(0.02);
        var text = await bench.Http.GetStringAsync("/metrics");
        Assert.Matches(
            "(?m)^thaw_origin_read_bytes_total\\{(mount=\"models\",cause=\"load\"|cause=\"load\",mount=\"models\")"
                + "\\} 42\\b",
            text);
        // Nodes of other tests in this process record with the same instrument.
        Assert.Matches("thaw_chunk_fetch_seconds_bucket\\{le=\"0.025\"\\} [1-9]", text);
        Compare("metrics.md", Head + Table(text));
    }

    private static string Table(string text)
    {
        var table = new StringBuilder();
        foreach (var type in TypeLine().Matches(text).OrderBy(match => match.Groups[1].Value, StringComparer.Ordinal))
        {
            var name = type.Groups[1].Value;
            var help = Regex.Match(text, $"(?m)^# HELP {name} (.+)$").Groups[1].Value;
            Assert.False(help.Length == 0, $"{name} has no HELP.");

            // The text format has no unit of its own: by convention it ends the name.
            var unit = Regex.Match(name, "_(bytes|seconds)(_total)?$").Groups[1].Value;
            var labels = Regex.Matches(text, $"(?m)^{name}(?:_bucket)?\\{{([^}}]*)\\}}")
                .SelectMany(sample =>
                    Regex.Matches(sample.Groups[1].Value, "(\\w+)=\"").Select(label => label.Groups[1].Value))
                .Where(label => label != "le").Distinct().Order(StringComparer.Ordinal).Select(label => $"`{label}`");
            table.Append($"| `{name}` | {type.Groups[2].Value} | {unit} | {string.Join(", ", labels)} | {help} |\n");
        }

        return table.ToString();
    }

    private static void Compare(string file, string actual)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Thaw.slnx")))
            root = Path.GetDirectoryName(root) ?? throw new DirectoryNotFoundException("No Thaw.slnx above the tests.");
        var path = Path.Combine(root, "docs", "reference", file);
        if (Environment.GetEnvironmentVariable("THAW_UPDATE_REFERENCE") == "1")
            File.WriteAllText(path, actual);
        Assert.True(File.Exists(path), $"{path} is missing: run with THAW_UPDATE_REFERENCE=1.");
        Assert.Equal(File.ReadAllText(path), actual);
    }

    [GeneratedRegex("(?m)^# TYPE (thaw_\\w+) (\\w+)$")]
    private static partial Regex TypeLine();
}
