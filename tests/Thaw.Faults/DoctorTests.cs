using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>The doctor beside a node that runs.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task The_ports_of_a_running_node_are_its_own()
    {
        var token = TestContext.Current.CancellationToken;
        using var folder = new TempFolder();
        folder.Write("model", "bytes");
        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [new MountSettings("models", $"file://{folder.FullPath}")] }, token);
        var (_, output, _) = await new Command(
            Places.Executable, "doctor", "--config", node.ConfigFile, "--node", $"{node.Control}").TryRunAsync(token);
        var ports = output.Split('\n').Where(line => line.Contains("  port ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, ports.Length);
        Assert.All(ports, line => Assert.Matches("^ok .* node node-1 listens there, version ", line));
    }
}
