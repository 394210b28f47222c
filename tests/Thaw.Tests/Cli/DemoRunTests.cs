using System.Text.Json;
using Thaw.Cli;
using Xunit;

namespace Thaw.Tests.Cli;

/// <summary>
/// A small demo. Whether it is faster than its origin is not asked: the machine may be busy, and a small model saves
/// little.
/// </summary>
public sealed class DemoRunTests
{
    [Fact]
    public async Task Three_nodes_read_a_model_that_leaves_the_origin_once()
    {
        var run = await CliRun.ExecuteAsync(["demo", "--once", "--json", "--size", "48MiB", "--shards", "3"]);
        var report = JsonSerializer.Deserialize(run.Out, CliJson.Default.DemoReport);
        Assert.NotNull(report);
        Assert.Equal((3, 3, true), (report.Nodes, report.Readers, report.Sha256Match));
        Assert.InRange(report.ModelBytes, 48L << 20, 49L << 20);
        Assert.Equal(report.ModelBytes, report.OriginBytes);
        Assert.Equal(2 * 3 * report.ModelBytes, report.ServedBytes);
        Assert.Equal(report.Ok ? ExitCode.Done : ExitCode.Failed, run.ExitCode);
        Assert.All(report.Failures, why => Assert.StartsWith("the cold run took", why, StringComparison.Ordinal));
    }
}
