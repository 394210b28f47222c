using System.Security.Cryptography;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>The tree through the real kernel: first reads, restarts, SIGKILL and SIGTERM.</summary>
[Trait("Category", "Server")]
public sealed class MountTests
{
    private const long Size = 3L * Geometry.ChunkBytes + 12_345;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cold_half_cached_and_whole_files_have_the_origin_s_bytes_and_whole_ones_are_passed_through()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        foreach (var openWait in (string[])["0s", "30s"])
        {
            await using var scene = await StartAsync(openWait);
            var path = Path.Combine(scene.Node.Tree, "models", "llama", "model.gguf");
            var want = FakeContent.Of(Size, 1).ToArray();
            Assert.Equal(SHA256.HashData(want), await SumAsync(path));
            var cold = (await scene.Node.GetStatsAsync(Stop)).Posix;
            Assert.Equal(openWait == "0s" ? 1 : 0, cold.CachedOpens);
            // The kernel asks again for pages it had read ahead when the version became whole.
            Assert.InRange(cold.ReadBytes, openWait == "0s" ? Size : 0, openWait == "0s" ? 2 * Size : 0);
            await Eventually.HoldsAsync(
                "the file is opened by passthrough",
                async () =>
                {
                    Assert.Equal(SHA256.HashData(want), await SumAsync(path));
                    return !Fuse.HasPassthrough || (await scene.Node.GetStatsAsync(Stop)).Posix.PassthroughOpens > 0;
                },
                () => scene.Node.Log, TimeSpan.FromSeconds(20), Stop);
            Assert.Equal(Size, scene.Origin.Log.BytesSent);
        }
    }

    [Fact]
    public async Task Inode_numbers_and_open_passthrough_files_outlive_a_kill_and_the_dead_mount_is_taken_away()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(Fuse.HasPassthrough, "passthrough needs Linux 6.9");
        await using var scene = await StartAsync("30s");
        var path = Path.Combine(scene.Node.Tree, "models", "llama", "model.gguf");
        var want = FakeContent.Of(Size, 1).ToArray();
        var inode = await InodeOfAsync(path);
        await SumAsync(path);
        using (var held = File.OpenHandle(path))
        {
            Assert.Equal(1, (await scene.Node.GetStatsAsync(Stop)).Posix.PassthroughOpens - 1);
            await scene.Node.KillAsync();
            var read = new byte[Size];
            Assert.Equal(Size, RandomAccess.Read(held, read, 0));
            Assert.Equal(want, read);
        }

        await scene.Node.StartAsync(Stop);
        Assert.Equal(inode, await InodeOfAsync(path));
        Assert.Equal(SHA256.HashData(want), await SumAsync(path));
        Assert.Equal(0, await scene.Node.TerminateAsync());
        Assert.Empty(await MountsAsync(scene.Node.Tree));
        await scene.Node.StartAsync(Stop);
        Assert.Single(await MountsAsync(scene.Node.Tree));
    }

    [Fact]
    public async Task The_tree_is_mounted_and_unmounted_on_request()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        await using var scene = await StartAsync("0s");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["other tree"]);
        var node = scene.Node.Control.ToString();
        var thaw = new Command(Places.Executable, "mount", folder["other tree"], "--node", node);
        Assert.StartsWith("mounted at", await thaw.RunAsync(Stop));
        Assert.Single(await MountsAsync(folder["other tree"].Replace(" ", "\\040", StringComparison.Ordinal)));
        Assert.Equal("models\n", await new Command("ls", folder["other tree"]).RunAsync(Stop));
        var unmount = thaw with { Arguments = ["unmount", .. thaw.Arguments[1..]] };
        await unmount.RunAsync(Stop);
        Assert.Empty(await MountsAsync(folder["other tree"].Replace(" ", "\\040", StringComparison.Ordinal)));
        Assert.Equal(5, (await unmount.TryRunAsync(Stop)).ExitCode);
        folder.Write("full", "");
        var full = thaw with { Arguments = ["mount", folder.FullPath, .. thaw.Arguments[2..]] };
        var (code, _, error) = await full.TryRunAsync(Stop);
        Assert.Equal(1, code);
        Assert.Contains("is not empty", error);
    }

    private static Task<Scene> StartAsync(string openWait) => Scene.StartAsync(
        origin =>
        {
            origin.AddBucket("bucket");
            origin.Put("bucket", "llama/model.gguf", FakeContent.Of(Size, 1));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint }],
            HasPosix = true,
            OpenWait = openWait,
        },
        Stop);

    // In processes of their own: a test that reads a tree which does not answer could not be ended.
    private static async Task<byte[]> SumAsync(string path) => Convert.FromHexString(
        (await new Command("sha256sum", path) { Limit = TimeSpan.FromSeconds(30) }.RunAsync(Stop))[..64]);

    private static Task<string> InodeOfAsync(string path) => new Command("stat", "-c", "%i", path).RunAsync(Stop);

    private static async Task<IReadOnlyList<string>> MountsAsync(string path) =>
        [.. (await File.ReadAllLinesAsync("/proc/self/mounts", Stop)).Where(line =>
            line.StartsWith($"thaw {path} fuse.thaw ", StringComparison.Ordinal))];
}
