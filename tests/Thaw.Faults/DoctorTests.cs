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
        Assert.Matches("(?m)^ok .*disk state .*the node says healthy", output);
        Assert.DoesNotContain("disk use", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cache_directory_of_another_node_or_of_a_newer_one_is_reported()
    {
        var token = TestContext.Current.CancellationToken;
        using var folder = new TempFolder();
        folder.Write("model", "bytes");
        var mount = new MountSettings("models", $"file://{folder.FullPath}");
        await using var node = await ThawProcess.StartAsync(new ThawSettings { Mounts = [mount] }, token);
        var ports = FreePorts.Take(2);
        var settings = new ThawSettings { Name = "node-2", Mounts = [mount] };
        var other = folder.Write("other.yaml", settings.ToYaml(node.CacheFolder, "", ports[0], ports[1]));
        var (code, output, _) = await new Command(Places.Executable, "doctor", "--config", other).TryRunAsync(token);
        Assert.Equal(1, code);
        Assert.Matches($"(?m)^fail .*disk use .*process {node.Pid}\\) uses it", output);

        Directory.CreateDirectory(folder["cache"]);
        folder.Write("cache/format", "thaw-cache 2\n");
        var newer = folder.Write("newer.yaml", settings.ToYaml(folder["cache"], "", ports[0], ports[1]));
        (code, output, _) = await new Command(Places.Executable, "doctor", "--config", newer).TryRunAsync(token);
        Assert.Equal(1, code);
        Assert.Matches("(?m)^fail .*disk use .*format 2 of a newer Thaw", output);
        Assert.Equal("thaw-cache 2\n", await File.ReadAllTextAsync(folder["cache/format"], token));
    }
}
