using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// What a host brings along: mount(8) and fstab by way of deploy/mount.thaw, and the rights of the systemd unit.
/// </summary>
[Trait("Category", "Server")]
public sealed class HostTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_system_s_own_mount_mounts_the_tree_from_a_command_line_and_from_fstab()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        await using var scene = await StartAsync([]);
        Directory.CreateDirectory(folder["sbin"]);
        Directory.CreateDirectory(folder["tree"]);
        File.CreateSymbolicLink(folder["sbin/thaw"], Places.Executable);
        var node = $"{scene.Node.Control}".TrimEnd('/');
        folder.Write("fstab", $"{node}  {folder["tree"]}  thaw  noauto,ro  0 0\n");
        string[] ways = [$"-t thaw {node} {folder["tree"]}", $"--fstab {folder["fstab"]} {folder["tree"]}"];
        foreach (var arguments in ways)
        {
            // mount(8) looks for its helpers in /sbin alone: this one sees one more there, and thaw.
            await new Command(
                "unshare", "--mount", "sh", "-e", "-c",
                $"""
                cp {Path.Combine(Places.Root, "deploy/mount.thaw")} {folder["sbin"]}
                sbin=$(readlink -f /sbin)
                mount -t overlay overlay -o "lowerdir={folder["sbin"]}:$sbin" "$sbin"
                mount {arguments}
                """).RunAsync(Stop);
            Assert.Equal("bytes", await new Command("cat", folder["tree/models/file"]).RunAsync(Stop));
            await new Command("umount", folder["tree"]).RunAsync(Stop);
            Assert.DoesNotContain($" {folder["tree"]} ", await File.ReadAllTextAsync("/proc/self/mounts", Stop));
        }
    }

    [Fact]
    public async Task The_rights_of_the_systemd_unit_are_enough_for_passthrough()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        const string setting = "CapabilityBoundingSet=";
        var unit = await File.ReadAllLinesAsync(Path.Combine(Places.Root, "deploy/systemd/thaw.service"), Stop);
        var rights = Assert.Single(unit, line => line.StartsWith(setting, StringComparison.Ordinal))[setting.Length..]
            .Split(' ').Select(right => $"+{right["CAP_".Length..].ToLowerInvariant()}");
        await using var scene = await StartAsync(["setpriv", "--bounding-set", $"-all,{string.Join(',', rights)}"]);
        var path = Path.Combine(scene.Node.Tree, "models", "model.gguf");
        await new Command("cat", path).RunAsync(Stop);
        var stats = (await scene.Node.GetStatsAsync(Stop)).Posix;
        Assert.Equal(Fuse.HasPassthrough ? (1, 0) : (0, 1), (stats.PassthroughOpens, stats.CachedOpens));
        Assert.DoesNotContain(" warn: ", scene.Node.Log);
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    private static Task<Scene> StartAsync(IReadOnlyList<string> through) => Scene.StartAsync(
        origin =>
        {
            origin.Put("bucket", "file", FakeContent.From("bytes"));
            origin.Put("bucket", "model.gguf", FakeContent.Of(1 << 20, 1));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint }],
            HasPosix = true,
            OpenWait = "30s",
            Through = through,
        },
        Stop);
}
