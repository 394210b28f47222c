using System.Diagnostics;
using System.Security.Cryptography;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>What readers of the tree go through when the node, the origin or the mount goes away under them.</summary>
[Trait("Category", "Server")]
public sealed class ReaderTests
{
    private const long Size = 4L * Geometry.ChunkBytes + 4321;
    private const string Bucket = "bucket";
    private const string Key = "llama/model.gguf";
    private const string Refused = "refused/model.gguf";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Fifty_readers_by_passthrough_finish_after_a_kill_and_the_next_node_serves()
    {
        const int readers = 50;
        SkipWithoutPassthrough();
        await using var scene = await StartAsync("30s");
        using var folder = new TempFolder();
        var reading = ManyReaders.RunAsync("held", readers, PathOf(scene), FakeContent.Of(Size, 1), folder, Stop);
        await ManyReaders.AtWorkAsync(folder, readers, scene, Stop);
        Assert.Equal(readers, (await scene.Node.GetStatsAsync(Stop)).Posix.PassthroughOpens);
        await scene.Node.KillAsync();
        folder.Write("go", "");
        Assert.Contains("0 of 50", await reading);
        await scene.Node.StartAsync(Stop);
        Assert.Equal(Sum(1), await SumAsync(scene));
        Assert.Single(
            await File.ReadAllLinesAsync("/proc/self/mounts", Stop),
            line => line.Contains($" {scene.Node.Tree} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_reader_that_waits_for_a_silent_origin_is_killed_at_once_and_a_failed_fetch_is_an_error()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        await using var scene = await StartAsync("0s");
        scene.Origin.Faults = request => !request.IsGet ? null
            : request.Key == Key ? new Fault { NoAnswer = true } : new Fault { Status = 403 };
        using var reader = StartReader(scene);
        await Eventually.HoldsAsync(
            "the reader waits", async () => (await scene.Node.GetStatsAsync(Stop)).InFlight.Chunks > 0,
            () => scene.Node.Log, Patience, Stop);
        reader.Kill();
        await reader.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromSeconds(5), Stop);
        using var folder = new TempFolder();
        var copy = new Command("cp", PathOf(scene, Refused), folder["copy"]) { Limit = Patience };
        var (code, _, error) = await copy.TryRunAsync(Stop);
        Assert.Equal(1, code);
        Assert.Contains("Input/output error", error);
        Assert.True(!File.Exists(folder["copy"]) || new FileInfo(folder["copy"]).Length == 0);
        scene.Origin.Faults = null;
        await copy.RunAsync(Stop);
        Assert.Equal(FakeContent.Of(Size, 2).ToArray(), await File.ReadAllBytesAsync(folder["copy"], Stop));
    }

    [Fact]
    public async Task A_tree_in_use_is_left_within_the_drain_and_no_reader_hangs()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        await using var scene = await StartAsync("0s");
        scene.Origin.Faults = request => request.Method == "GET" && request.Key == Key
            ? new Fault { StallAfter = 1 << 20 } : null;
        using var reader = StartReader(scene);
        await Eventually.HoldsAsync(
            "the reader waits", async () => (await scene.Node.GetStatsAsync(Stop)).InFlight.Chunks > 0,
            () => scene.Node.Log, Patience, Stop);
        Assert.Equal(0, await scene.Node.TerminateAsync());
        await reader.WaitForExitAsync(Stop).WaitAsync(Patience, Stop);
        Assert.NotEqual(0, reader.ExitCode);
        Assert.DoesNotContain($" {scene.Node.Tree} ", await File.ReadAllTextAsync("/proc/self/mounts", Stop));
    }

    private static void SkipWithoutPassthrough()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(Fuse.HasPassthrough, "passthrough needs Linux 6.9");
    }

    private static Task<Scene> StartAsync(string openWait) => Scene.StartAsync(
        origin =>
        {
            origin.AddBucket(Bucket);
            origin.Put(Bucket, Key, FakeContent.Of(Size, 1));
            origin.Put(Bucket, Refused, FakeContent.Of(Size, 2));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "0s" }],
            HasPosix = true,
            OpenWait = openWait,
            Drain = TimeSpan.FromSeconds(5),
        },
        Stop);

    private static Process StartReader(Scene scene) => Process.Start(
        new ProcessStartInfo("dd", [$"if={PathOf(scene)}", "of=/dev/null", "bs=1M", "status=none"])
        {
            RedirectStandardError = true,
        })!;

    private static string PathOf(Scene scene, string key = Key) => Path.Combine(scene.Node.Tree, "models", key);

    private static string Sum(int seed) =>
        Convert.ToHexStringLower(SHA256.HashData(FakeContent.Of(Size, seed).ToArray()));

    private static async Task<string> SumAsync(Scene scene) =>
        (await new Command("sha256sum", PathOf(scene)) { Limit = Patience }.RunAsync(Stop))[..64];
}
