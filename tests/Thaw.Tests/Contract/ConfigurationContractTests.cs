using Thaw.Daemon.Configuration;
using Thaw.Tests.Cli;
using Xunit;

namespace Thaw.Tests.Contract;

/// <summary>The configuration is the one that was promised, and <c>config explain</c> tells it.</summary>
public sealed class ConfigurationContractTests
{
    [Fact]
    public void Every_documented_key_is_an_option_or_is_refused_as_one_to_come()
    {
        var errors = ConfigReader.Read(Promised.Configuration, "thaw.yaml").Errors;
        Assert.All(errors, error => Assert.Contains("not in this version", error.Sentence, StringComparison.Ordinal));
        Assert.All(errors, error => Assert.True(error.Line > 0, error.ToString()));
        Assert.Equal(OptionTable.Planned.Select(row => row.Key).Where(IsDocumented).Order(StringComparer.Ordinal),
            errors.Select(error => Pattern(error.Key)).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Without_what_is_to_come_the_documented_file_is_valid()
    {
        var lines = Promised.Configuration.Split('\n');
        var refused = ConfigReader.Read(Promised.Configuration, "thaw.yaml").Errors
            .Select(error => error.Line).ToHashSet();
        // Whole lines go, and with a line all that is indented below it.
        var kept = new List<string>();
        var below = -1;
        foreach (var (index, line) in lines.Index())
        {
            var indent = line.Length - line.TrimStart().Length;
            if (below >= 0 && indent > below)
                continue;
            below = refused.Contains(index + 1) ? indent : -1;
            if (below < 0)
                kept.Add(line);
        }

        var reading = ConfigReader.Read(string.Join('\n', kept), "thaw.yaml");
        Assert.Empty(reading.Errors);
        Assert.Equal(["models", "public"], reading.Config!.Mounts.Select(mount => mount.Name));
    }

    [Fact]
    public void The_documented_static_cluster_is_valid() =>
        Assert.Empty(ConfigReader.Read(Promised.StaticConfiguration, "thaw.yaml").Errors);

    [Fact]
    public void Defaults_are_the_promised_ones_and_options_few()
    {
        foreach (var (key, value) in Promised.Defaults)
            if (OptionTable.Rows.FirstOrDefault(row => row.Key == key) is { } row)
                Assert.Equal((key, value), (key, row.Default));
            else
                Assert.True(OptionTable.FindPlanned(key) is not null || OptionTable.FindPlanned(key.Split('.')[0])
                    is not null, $"{key} is neither an option nor one to come.");
        Assert.InRange(OptionTable.Rows.Length, 1, Promised.Options - 1);
    }

    [Fact]
    public async Task Explain_tells_of_each_option_unit_default_bounds_reason_and_when_a_change_counts()
    {
        var all = (await CliRun.ExecuteAsync(["config", "explain"])).Out;
        foreach (var row in OptionTable.Rows)
        {
            var run = await CliRun.ExecuteAsync(["config", "explain", row.Key]);
            Assert.Equal(0, run.ExitCode);
            Assert.StartsWith(row.Key + "\n", run.Out, StringComparison.Ordinal);
            Assert.Contains($"\n  {row.Reason}\n", run.Out, StringComparison.Ordinal);
            Assert.Contains($"default: {(row.Required ? "none, it is required" : row.Default)}\n", run.Out,
                StringComparison.Ordinal);
            Assert.Contains($"bounds:  {row.Bounds}\n", run.Out, StringComparison.Ordinal);
            Assert.Equal(row.Unit.Length > 0, run.Out.Contains($"unit:    {row.Unit}\n", StringComparison.Ordinal));
            Assert.Matches("change:  (live|restart)\n", run.Out);
            Assert.Contains(run.Out, all, StringComparison.Ordinal);
        }
    }

    private static bool IsDocumented(string key)
    {
        var last = key.Split('.')[^1].Replace("[]", "", StringComparison.Ordinal);
        return Promised.Configuration.Contains(last + ":", StringComparison.Ordinal);
    }

    private static string Pattern(string key)
    {
        var open = key.IndexOf('[', StringComparison.Ordinal);
        return open < 0 ? key : key[..(open + 1)] + key[key.IndexOf(']', StringComparison.Ordinal)..];
    }
}
