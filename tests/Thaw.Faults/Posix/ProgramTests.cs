using Thaw.Core.Api;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// Ordinary programs over the tree, each in its own way of reading: cold while the files come from a slow origin, then
/// warm. By passthrough, and where the kernel refuses it.
/// </summary>
[Trait("Category", "Server")]
public sealed class ProgramTests(ITestOutputHelper output)
{
    private const string Bucket = "bucket";

    /// <summary>So that whoever reads a file cold waits for its bytes.</summary>
    private const long OriginBytesPerSecond = 400L << 20;

    private static readonly string Script = Path.Combine(Places.Root, "tests/Thaw.Faults/Posix/programs.py");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Programs_read_the_right_bytes_cold_and_by_passthrough()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        await using var scene = await StartAsync(folder);
        var (cold, warm) = await RunColdAndWarmAsync(scene, folder);
        if (Fuse.HasPassthrough)
            Assert.Equal(cold.ReadBytes, warm.ReadBytes);
    }

    [Fact]
    public async Task Programs_read_the_right_bytes_where_the_kernel_refuses_passthrough()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        await using var overlay = await Overlay.MakeAsync(Stop);
        await using var scene = await StartAsync(folder, overlay.Path);
        var (_, warm) = await RunColdAndWarmAsync(scene, folder);
        Assert.Equal(0, warm.PassthroughOpens);
        Assert.Contains("read through the page cache", scene.Node.Log);
        var doctor = await new Command(
            Places.Executable, "doctor", "--config", scene.Node.ConfigFile, "--node", $"{scene.Node.Control}")
            .TryRunAsync(Stop);
        Assert.Contains("no passthrough to it", doctor.Output);
    }

    [Fact]
    public async Task Another_user_mounts_by_the_set_uid_helper_and_reads()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        const string user = "--reuid=65534", group = "--regid=65534", groups = "--clear-groups";
        // What udev does wherever it runs: anyone may open the device.
        var mode = (await new Command("stat", "-c", "%a", "/dev/fuse").RunAsync(Stop)).Trim();
        await new Command("chmod", "666", "/dev/fuse").RunAsync(Stop);
        try
        {
            using var folder = new TempFolder();
            // A checkout may lie where only its owner looks: the user gets the program elsewhere.
            var copy = folder["program"];
            var program = Path.Combine(copy, Path.GetFileName(Places.Executable));
            await using var scene = await StartAsync(folder, through:
            [
                "sh", "-c",
                $"cp -r \"$(dirname \"$1\")\" {copy} && chmod -R a+rX {folder.FullPath} && shift"
                    + " && chown -R 65534:65534 \"$(dirname \"$3\")\""
                    + $" && exec setpriv {user} {group} {groups} {program} \"$@\"", "sh",
            ]);
            var sum = new Command(
                "setpriv", user, group, groups, "sha256sum",
                Path.Combine(scene.Node.Tree, "models", "cp", "model.bin"), folder["model.bin"]);
            for (var round = 0; round < 2; round++)
            {
                var sums = (await sum.RunAsync(Stop)).Split('\n').Select(line => line.Split(' ')[0]).ToArray();
                Assert.Equal(sums[1], sums[0]);
            }

            var stats = (await scene.Node.GetStatsAsync(Stop)).Posix;
            Assert.Equal((0, 2), (stats.PassthroughOpens, stats.CachedOpens));
            var doctor = await new Command(
                "setpriv", user, group, groups, program, "doctor", "--config", scene.Node.ConfigFile, "--node",
                $"{scene.Node.Control}").TryRunAsync(Stop);
            Assert.Contains("the device is there", doctor.Output);
            Assert.Contains("fusermount3 mounts, without passthrough and for this user alone", doctor.Output);
            // Not even root looks into another user's tree.
            Assert.Equal(1, (await new Command("stat", scene.Node.Tree).TryRunAsync(Stop)).ExitCode);
            Assert.Equal(0, await scene.Node.TerminateAsync());
            Assert.DoesNotContain($" {scene.Node.Tree} ", await File.ReadAllTextAsync("/proc/self/mounts", Stop));
        }
        finally
        {
            await new Command("chmod", mode, "/dev/fuse").RunAsync(CancellationToken.None);
        }
    }

    private async Task<(PosixStats Cold, PosixStats Warm)> RunColdAndWarmAsync(Scene scene, TempFolder folder)
    {
        var programs = await NamesAsync();
        var run = new Command(
            "python3", Script, "run", folder["model.bin"], Path.Combine(scene.Node.Tree, "models"), folder["scratch"]);
        output.WriteLine("cold:\n" + await run.RunAsync(Stop));
        var cold = (await scene.Node.GetStatsAsync(Stop)).Posix;
        // All programs but find open a file that is not there yet.
        Assert.True(cold.CachedOpens >= programs.Length - 1, $"{cold}");
        Assert.True(cold.ReadBytes > 0, $"{cold}");
        await new Command(Places.Executable, "load", "models/", "--wait", "--node", $"{scene.Node.Control}")
            .RunAsync(Stop);
        output.WriteLine("warm:\n" + await run.RunAsync(Stop));
        var warm = (await scene.Node.GetStatsAsync(Stop)).Posix;
        output.WriteLine($"{cold}\n{warm}");
        Assert.Equal(programs.Length * new FileInfo(folder["model.bin"]).Length, scene.Origin.Log.BytesSent);
        return (cold, warm);
    }

    private static async Task<Scene> StartAsync(
        TempFolder folder, string? disk = null, IReadOnlyList<string>? through = null)
    {
        Directory.CreateDirectory(folder["scratch"]);
        await new Command("python3", Script, "make", folder["model.bin"]).RunAsync(Stop);
        var content = FakeContent.From(await File.ReadAllBytesAsync(folder["model.bin"], Stop));
        var names = await NamesAsync();
        return await Scene.StartAsync(
            origin =>
            {
                foreach (var name in names)
                    origin.Put(Bucket, $"{name}/model.bin", content);
                origin.Bandwidth = new SharedBandwidth(OriginBytesPerSecond);
            },
            origin => new ThawSettings
            {
                Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint }],
                Disks = disk is null ? [] : [disk],
                HasPosix = true,
                OpenWait = "0s",
                Through = through ?? [],
            },
            Stop);
    }

    private static async Task<string[]> NamesAsync() =>
        (await new Command("python3", Script, "names").RunAsync(Stop))
        .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
