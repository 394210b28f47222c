using System.Diagnostics;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Core.Checksums;

/// <summary>
/// The CRCs on Arm, compiled as the product is and run under qemu: each way equals the table, and the one that is
/// chosen at start is known.
/// </summary>
[Trait("Category", "Server")]
public sealed class ArmCrcTests
{
    private const int ToolIsMissing = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Each_way_on_arm_equals_the_table()
    {
        var (code, text) = await RunAsync("max", "cortex-a72");
        Assert.SkipWhen(code == ToolIsMissing, text.Trim());
        Assert.True(code == 0, text);
        var runs = text.Split("cortex-a72:");
        Assert.Equal(2, runs.Length);
        Assert.All(runs, run =>
        {
            Assert.Contains("arm64-three-way: checked", run);
            Assert.Contains("pmull-128: checked", run);
            Assert.Contains("table: checked", run);
            Assert.Contains("sse42-three-way: not on this machine", run);
            Assert.Contains("chosen: arm64-three-way", run);
            Assert.DoesNotContain("differs", run);
        });
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] processors)
    {
        var script = Path.Combine(Places.Root, "tests", "crc-check-arm64");
        using var process = Process.Start(new ProcessStartInfo(script, processors) { RedirectStandardOutput = true })!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            var text = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, text);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
