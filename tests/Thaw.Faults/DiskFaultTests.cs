using Thaw.Daemon;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>
/// Real disks that are full, frozen, read-only or gone under a running node: readers get right bytes, the other disk,
/// S3 and health go on, the node stops in time.
/// </summary>
[Trait("Category", "Server")]
public sealed class DiskFaultTests(ITestOutputHelper output)
{
    private const string Bucket = "bucket";
    private const long DiskBytes = 320L << 20;
    private const long ObjectBytes = (20L << 20) + 12345;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ext4", "16GiB")]
    [InlineData("xfs", "16GiB")]
    [InlineData("ext4", "100MiB")]
    public async Task Loads_larger_than_the_disk_go_through(string kind, string capacity)
    {
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        await using var disk = await LoopDisk.MakeAsync(kind, DiskBytes, Stop);
        await using var scene = await StartAsync(24, capacity, disk.Path);
        var limit = Math.Min(DiskBytes, capacity == "100MiB" ? 100L << 20 : long.MaxValue);
        for (var round = 0; round < 2; round++)
        {
            for (var index = 0; index < 24; index++)
            {
                await ReadAsync(scene, index);
                var cache = (await scene.Node.GetStatsAsync(Stop)).Cache;
                Assert.InRange(cache.Bytes, 1, limit);
                Assert.InRange(FolderUse.BytesBelow(Path.Combine(disk.Path, "versions")), 1, limit);
            }
        }

        var stats = await scene.Node.GetStatsAsync(Stop);
        output.WriteLine($"{stats.Cache}");
        Assert.True(stats.Cache.EvictedBytes > 0, "Nothing had to go: the disk was never full.");
        Assert.Equal((0, 0), (stats.Cache.CorruptChunks, stats.Cache.LostInCrash));
        // What was written last is still here, and costs nothing.
        scene.Origin.Log.Clear();
        await ReadAsync(scene, 23);
        Assert.Empty(scene.Origin.Log.Gets);
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    [Theory]
    [InlineData("ext4", "frozen")]
    [InlineData("xfs", "frozen")]
    [InlineData("ext4", "read-only")]
    [InlineData("xfs", "read-only")]
    [InlineData("ext4", "gone")]
    [InlineData("xfs", "gone")]
    public async Task A_disk_that_fails_costs_its_content_and_nothing_else(string kind, string fault)
    {
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        await using var disk = await LoopDisk.MakeAsync(kind, DiskBytes, Stop);
        using var good = new TempFolder();
        await using var scene = await StartAsync(16, "200MiB", disk.Path, good["cache"]);
        for (var index = 0; index < 8; index++)
            await ReadAsync(scene, index);
        await QuietAsync(scene);
        var before = (await scene.Node.GetStatsAsync(Stop)).Cache.Disks;
        Assert.All(before, one => Assert.True(one.Bytes >= 2 * ObjectBytes, $"{one} holds too little"));
        switch (fault)
        {
            case "frozen":
                await disk.FreezeAsync(Stop);
                break;
            case "read-only":
                await disk.MakeReadOnlyAsync(Stop);
                break;
            default:
                disk.ShutDown();
                break;
        }

        // All at once: whoever met the disk would hold up the others.
        await Task.WhenAll(Enumerable.Range(0, 16).Select(index => ReadAsync(scene, index)));
        await HealthyAsync(scene);
        await Eventually.HoldsAsync(
            "the disk is not healthy", async () => await StateAsync(scene, disk.Path) is "failing" or "gone",
            scene.Describe, TimeSpan.FromSeconds(30), Stop);
        output.WriteLine($"{kind} {fault}: {await StateAsync(scene, disk.Path)}");
        Assert.Equal("healthy", await StateAsync(scene, good["cache"]));
        await Task.WhenAll(Enumerable.Range(0, 16).Select(index => ReadAsync(scene, index)));
        await HealthyAsync(scene);
        var stats = await scene.Node.GetStatsAsync(Stop);
        Assert.Equal(0, stats.Cache.LostInCrash);
        if (fault == "frozen")
        {
            await disk.ThawAsync();
            await Eventually.HoldsAsync(
                "the disk is back", async () => await StateAsync(scene, disk.Path) is "slow" or "healthy",
                scene.Describe, TimeSpan.FromSeconds(30), Stop);
            await Task.WhenAll(Enumerable.Range(0, 16).Select(index => ReadAsync(scene, index)));
        }

        await QuietAsync(scene);
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    [Fact]
    public async Task A_disk_that_is_gone_at_the_start_joins_when_it_is_back()
    {
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        await using var disk = await LoopDisk.MakeAsync("ext4", DiskBytes, Stop);
        using var good = new TempFolder();
        await using var scene = await StartAsync(8, "200MiB", good["cache"], disk.Path);
        for (var index = 0; index < 8; index++)
            await ReadAsync(scene, index);
        await QuietAsync(scene);
        Assert.Equal(0, await scene.Node.TerminateAsync());
        disk.ShutDown();
        scene.Origin.Log.Clear();

        await scene.Node.StartAsync(Stop);
        await HealthyAsync(scene);
        Assert.Equal(("healthy", "failing"),
            (await StateAsync(scene, good["cache"]), await StateAsync(scene, disk.Path)));
        await ReadAsync(scene, 0);
        await disk.RemountAsync(Stop);
        await Eventually.HoldsAsync(
            "the disk is back", async () => await StateAsync(scene, disk.Path) is "slow" or "healthy",
            scene.Describe, TimeSpan.FromSeconds(30), Stop);
        var before = scene.Origin.Log.BytesSent;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(index => ReadAsync(scene, index)));
        // What both disks had is here, and nothing is fetched for it.
        Assert.Equal((before, true), (scene.Origin.Log.BytesSent, before <= ObjectBytes));
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    private static Task<Scene> StartAsync(int objects, string capacity, params string[] disks) => Scene.StartAsync(
        origin =>
        {
            for (var index = 0; index < objects; index++)
                origin.Put(Bucket, $"object-{index}", FakeContent.Of(ObjectBytes, index));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "1h" }],
            Capacity = capacity,
            Disks = disks,
        },
        Stop);

    private static async Task ReadAsync(Scene scene, int index)
    {
        var read = await new Download(scene.Http, scene.Uri("models", $"object-{index}")).RunAsync(Stop);
        Assert.Equal((ObjectBytes, scene.Origin.Find(Bucket, $"object-{index}")!.Content.ComputeCrc32C()),
            (read.Bytes, read.Crc32C));
    }

    /// <summary>Nothing is fetched or written any more; chunks that no disk keeps may stay in memory.</summary>
    private static Task QuietAsync(Scene scene) => Eventually.HoldsAsync(
        "nothing is under way",
        async () => (await scene.Node.GetStatsAsync(Stop)).InFlight is { Chunks: 0, Readers: 0 },
        scene.Describe, TimeSpan.FromSeconds(30), Stop);

    private static async Task HealthyAsync(Scene scene)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        limited.CancelAfter(TimeSpan.FromSeconds(10));
        Assert.Equal("ok\n", await scene.Node.Http.GetStringAsync("/healthz", limited.Token));
    }

    private static async Task<string> StateAsync(Scene scene, string path) =>
        (await scene.Node.GetStatsAsync(Stop)).Cache.Disks.Single(disk => disk.Path == path).State;
}
