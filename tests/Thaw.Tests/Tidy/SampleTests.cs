using Thaw.Cli;
using Thaw.Daemon.Configuration;
using Xunit;

namespace Thaw.Tests.Tidy;

/// <summary>
/// Samples in pages work: configurations are read by the reader of the product, command lines by its parser.
/// </summary>
public sealed class SampleTests
{
    private static readonly string[] Groups =
    [
        "cluster", "node", "cache", "mounts", "origins", "policies", "s3", "hub", "control", "peer", "posix",
        "insecure",
    ];

    private static readonly Terminal Quiet = new() { Out = TextWriter.Null, Error = TextWriter.Null };

    [Fact]
    public void Samples_in_pages_work()
    {
        var samples = Checkout.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(page => Find(page, Checkout.Read(page))).ToArray();
        Assert.Contains(samples, sample => sample.Kind == "yaml");
        Assert.Contains(samples, sample => sample.Kind == "sh");
        Assert.Empty(samples.SelectMany(Problems));
    }

    [Theory]
    [InlineData("```yaml\nmounts:\n  - name: models\n    attic: s3://a\n```")]
    [InlineData("```yaml\n# thaw.yaml\nattic: 1\n```")]
    [InlineData("```sh\n./thaw attic\n```")]
    [InlineData("```sh\n./thaw load --attic a/b\n```")]
    [InlineData("```sh\nthaw load\n```")]
    [InlineData("```sh\n./thaw load a/b \\\n  --attic\n```")]
    public void A_sample_that_does_not_work_is_found(string text) =>
        Assert.NotEmpty(Find("README.md", text).SelectMany(Problems));

    [Theory]
    [InlineData("```yaml\nmounts:\n  - name: models\n    origin: s3://a/b\n```")]
    [InlineData("```yaml\nanother: tool's file\n```")]
    [InlineData("```sh\n./thaw load a/b --wait   # with a comment\nls attic\n```")]
    public void A_sample_that_works_is_fine(string text) =>
        Assert.Empty(Find("README.md", text).SelectMany(Problems));

    private static IEnumerable<string> Problems(PageSample sample) =>
        sample.Kind == "yaml"
            ? ConfigReader.Read(sample.Text, sample.At).Errors.Select(error => $"{sample.At}: {error}")
            : ThawCommand.Create(Quiet).Parse(Arguments(sample.Text)).Errors
                .Select(error => $"{sample.At}: '{sample.Text}': {error.Message}");

    private static string[] Arguments(string line) =>
        [.. line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)];

    /// <summary>Configurations as wholes, command lines one by one; what belongs to other tools is left out.</summary>
    private static IEnumerable<PageSample> Find(string page, string text)
    {
        string? kind = null;
        var block = new List<string>();
        foreach (var (index, line) in text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Index())
        {
            var at = $"{page}:{index + 1}";
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                if (kind == "yaml" && IsConfiguration(block))
                    yield return new PageSample(at, "yaml", string.Join('\n', block));
                kind = kind is null ? line.Trim()[3..] : null;
                block.Clear();
                continue;
            }

            block.Add(line);
            if (kind is "sh" or "bash" && line.Split(' ')[0] is "./thaw" or "thaw")
                yield return new PageSample(at, "sh", line);
        }
    }

    private static bool IsConfiguration(IReadOnlyCollection<string> block) =>
        block.Any(line => line.Contains("thaw.yaml", StringComparison.Ordinal) || Groups.Contains(line.Split(':')[0]));

    private sealed record PageSample(string At, string Kind, string Text);
}
