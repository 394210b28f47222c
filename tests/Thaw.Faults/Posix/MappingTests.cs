using System.Security.Cryptography;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// Mappings whose descriptor is closed, which no node can see, keep their bytes whatever becomes of the version: the
/// readers compare every byte again and again from the first step to the last.
/// </summary>
[Trait("Category", "Server")]
public sealed class MappingTests(ITestOutputHelper output)
{
    private const long Size = 3L * Geometry.ChunkBytes + 4321;
    private const long DiskBytes = 160L << 20;
    private const long OtherBytes = 20L << 20;
    private const int Others = 8;
    private const int Readers = 8;
    private const int DamagedBlock = 37;
    private const string Bucket = "bucket";
    private const string Key = "llama/model.gguf";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Mappings_without_a_descriptor_keep_their_bytes_whatever_becomes_of_the_version()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(Fuse.HasPassthrough, "passthrough needs Linux 6.9");
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        await using var disk = await LoopDisk.MakeAsync("ext4", DiskBytes, Stop);
        await using var scene = await StartAsync(disk);
        using var folder = new TempFolder();
        Assert.Equal(Sum(1), await SumAsync(scene, Key));
        var reading = ManyReaders.RunAsync(
            "mapped", Readers, PathOf(scene, Key), FakeContent.Of(Size, 1), folder, Stop);
        await ManyReaders.AtWorkAsync(folder, Readers, scene, Stop);
        await RepairAsync(scene, disk, folder);
        await PushOutAsync(scene, disk);
        await FreeAndReplaceAsync(scene, disk);
        Assert.False(reading.IsCompleted, reading.IsCompletedSuccessfully ? await reading : "the readers failed");

        await scene.Node.KillAsync();
        await disk.FillAsync(Stop);
        await scene.Node.StartAsync(Stop);
        Assert.Equal(Sum(2), await SumAsync(scene, Key));
        // There is no room for these: they come from the origin, and nothing of them is zeros.
        for (var other = 0; other < 2; other++)
            Assert.Equal(OtherSum(other), await SumAsync(scene, $"other-{other}"));
        var stats = await scene.Node.GetStatsAsync(Stop);
        output.WriteLine($"{stats.Cache}\n{stats.Posix}");
        folder.Write("go", "");
        Assert.Equal($"0: 0 of {Readers} readers read wrong bytes or failed\n", await reading);
    }

    /// <summary>A block is damaged and repaired in place: the file that is mapped stays the same one.</summary>
    private static async Task RepairAsync(Scene scene, LoopDisk disk, TempFolder folder)
    {
        var before = Assert.Single(DataFiles(disk));
        var inode = await InodeOfAsync(before);
        folder.Write("damaged.new", $"{DamagedBlock}");
        File.Move(folder["damaged.new"], folder["damaged"]);
        using (var file = File.OpenHandle(before, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            RandomAccess.Write(
                file, RandomNumberGenerator.GetBytes(5000), DamagedBlock * (long)Geometry.BlockBytes + 99);
        // It is their file that is damaged.
        await ManyReaders.AtWorkAsync(folder, Readers, scene, Stop, "seen-");
        var (code, found, problem) = await Thaw(scene, "verify", "models/llama/").TryRunAsync(Stop);
        Assert.True(code == 1, $"{code} {found} {problem}");
        var sent = scene.Origin.Log.BytesSent;
        await Thaw(scene, "load", "models/llama/", "--wait").RunAsync(Stop);
        folder.Write("repaired", "");
        Assert.Equal(Geometry.BlockBytes, scene.Origin.Log.BytesSent - sent);
        Assert.Equal(before, Assert.Single(DataFiles(disk)));
        Assert.Equal(inode, await InodeOfAsync(before));
        Assert.Equal(1, (await scene.Node.GetStatsAsync(Stop)).Cache.CorruptChunks);
        Assert.Equal(Sum(1), await SumAsync(scene, Key));
    }

    private static async Task PushOutAsync(Scene scene, LoopDisk disk)
    {
        var before = Assert.Single(DataFiles(disk));
        await Eventually.HoldsAsync(
            "the version is pushed out",
            async () =>
            {
                for (var other = 0; other < Others; other++)
                    await new Download(scene.Http, scene.Uri("models", $"other-{other}")).RunAsync(Stop);
                return !File.Exists(before);
            },
            scene.Describe, Patience, Stop);
        Assert.Equal(Sum(1), await SumAsync(scene, Key));
    }

    private static async Task FreeAndReplaceAsync(Scene scene, LoopDisk disk)
    {
        await Eventually.HoldsAsync(
            "everything is freed",
            async () =>
            {
                await Thaw(scene, "free", "models/").RunAsync(Stop);
                return DataFiles(disk).Length == 0;
            },
            scene.Describe, Patience, Stop);
        Assert.Equal(Sum(1), await SumAsync(scene, Key));
        scene.Origin.Put(Bucket, Key, FakeContent.Of(Size, 2));
        await Eventually.HoldsAsync(
            "the new version is read", async () => await SumAsync(scene, Key) == Sum(2), scene.Describe, Patience,
            Stop);
        await Thaw(scene, "load", "models/llama/", "--wait").RunAsync(Stop);
    }

    private static Task<Scene> StartAsync(LoopDisk disk) => Scene.StartAsync(
        origin =>
        {
            origin.Put(Bucket, Key, FakeContent.Of(Size, 1));
            for (var other = 0; other < Others; other++)
                origin.Put(Bucket, $"other-{other}", FakeContent.Of(OtherBytes, 100 + other));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "0s" }],
            HasPosix = true,
            OpenWait = "30s",
            Disks = [disk.Path],
            Capacity = "100MiB",
        },
        Stop);

    private static Command Thaw(Scene scene, params string[] arguments) =>
        new(Places.Executable, [.. arguments, "--node", $"{scene.Node.Control}"]);

    private static string PathOf(Scene scene, string key) => Path.Combine(scene.Node.Tree, "models", key);

    private static string[] DataFiles(LoopDisk disk) => Directory.GetFiles(
        Path.Combine(disk.Path, "versions"), "*.data", SearchOption.AllDirectories);

    private static Task<string> InodeOfAsync(string path) => new Command("stat", "-c", "%i", path).RunAsync(Stop);

    private static string Sum(int seed) => FakeContent.Of(Size, seed).Sha256();

    private static string OtherSum(int other) => FakeContent.Of(OtherBytes, 100 + other).Sha256();

    private static async Task<string> SumAsync(Scene scene, string key) =>
        (await new Command("sha256sum", PathOf(scene, key)) { Limit = Patience }.RunAsync(Stop))[..64];
}
