using System.Globalization;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// Random reads while the file is replaced at the origin, freed, pushed out and loaded again, and while the origin
/// refuses for a while: each descriptor has one version, which is not older than its open, and an error has a reason.
/// </summary>
[Trait("Category", "Server")]
public sealed class VersionTests(ITestOutputHelper output)
{
    private const string Bucket = "bucket";
    private const string Key = "llama/model.gguf";
    private const int Readers = 6;
    private const int OpensBetween = 3 * Readers;
    private const long OtherBytes = 24L << 20;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0s", 16)]
    [InlineData("5s", 16)]
    public Task A_descriptor_never_has_two_versions(string openWait, int acts) => RunAsync(openWait, acts);

    [Theory]
    [InlineData("0s", 600)]
    [InlineData("5s", 600)]
    [Trait("Category", "Long")]
    public Task A_descriptor_never_has_two_versions_for_long(string openWait, int acts) => RunAsync(openWait, acts);

    private async Task RunAsync(string openWait, int acts)
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["versions"]);
        Directory.CreateDirectory(folder["state"]);
        await using var scene = await StartAsync(openWait, folder);
        var troubles = new Troubles(folder) { Version = 1 };
        troubles.Tell();
        var path = Path.Combine(scene.Node.Tree, "models", Key);
        var reading = new Command(
            "python3", Path.Combine(Places.Root, "tests/Thaw.Faults/Posix/versions.py"), $"{Readers}", path,
            folder["versions"], folder["state"])
        { Limit = TimeSpan.FromMinutes(15) }.RunAsync(Stop);
        for (var act = 0; act < acts; act++)
        {
            await ActAsync(act, scene, folder, troubles);
            await OpensAsync(scene, reading, act);
        }

        folder.Write("state/go", "");
        output.WriteLine(await reading);
        var stats = await scene.Node.GetStatsAsync(Stop);
        output.WriteLine($"{stats.Posix}\n{stats.Cache}\n{stats.Origin}");
        Assert.True(stats.Cache.EvictedBytes > 0, "nothing was pushed out");
        Assert.True(stats.Posix.CachedOpens > 0 || openWait != "0s", $"{stats.Posix}");
        Assert.True(stats.Posix.PassthroughOpens > 0 || !Fuse.HasPassthrough, $"{stats.Posix}");
        Assert.Contains($"newest {troubles.Version}", await reading);
    }

    private static async Task ActAsync(int act, Scene scene, TempFolder folder, Troubles troubles)
    {
        switch (act % 4)
        {
            case 0:
                Replace(scene, folder, troubles);
                break;
            case 1:
                await new Command(Places.Executable, "free", "models/llama/", "--node", $"{scene.Node.Control}")
                    .RunAsync(Stop);
                break;
            case 2:
                // Pushes the model out, which is no more than one of many here.
                for (var other = 0; other < 4; other++)
                    await new Download(scene.Http, scene.Uri("models", $"other-{other}")).RunAsync(Stop);
                break;
            default:
                troubles.Begin();
                scene.Origin.Log.Clear();
                scene.Origin.Faults = request => request.IsGet ? new Fault { Status = 403 } : null;
                Replace(scene, folder, troubles);
                await Eventually.HoldsAsync(
                    "the origin refuses",
                    () => ValueTask.FromResult(scene.Origin.Log.Gets.Any(one => one.Status == 403)), scene.Describe,
                    TimeSpan.FromSeconds(30), Stop);
                scene.Origin.Faults = null;
                troubles.End();
                break;
        }
    }

    private static void Replace(Scene scene, TempFolder folder, Troubles troubles)
    {
        var next = troubles.Version + 1;
        var content = ContentOf(next, folder);
        troubles.Begin();
        scene.Origin.Put(Bucket, Key, content);
        troubles.Version = next;
        troubles.End();
    }

    /// <summary>Waits until so many more files were opened.</summary>
    private static async Task OpensAsync(Scene scene, Task<string> reading, int act)
    {
        var before = await CountAsync();
        await Eventually.HoldsAsync(
            $"files are opened after act {act}",
            async () => reading.IsCompleted || await CountAsync() >= before + OpensBetween, scene.Describe,
            TimeSpan.FromSeconds(60), Stop);
        Assert.False(reading.IsCompleted, $"{reading.Exception}");

        async Task<long> CountAsync()
        {
            var stats = (await scene.Node.GetStatsAsync(Stop)).Posix;
            return stats.PassthroughOpens + stats.CachedOpens;
        }
    }

    private static Task<Scene> StartAsync(string openWait, TempFolder folder) => Scene.StartAsync(
        origin =>
        {
            origin.Put(Bucket, Key, ContentOf(1, folder));
            for (var other = 0; other < 4; other++)
                origin.Put(Bucket, $"other-{other}", FakeContent.Of(OtherBytes, 1000 + other));
            origin.Bandwidth = new SharedBandwidth(400L << 20);
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "0s" }],
            Capacity = "80MiB",
            HasPosix = true,
            OpenWait = openWait,
        },
        Stop);

    /// <summary>A version's bytes, which the readers have in a file of its number before they can meet it.</summary>
    private static FakeContent ContentOf(int version, TempFolder folder)
    {
        var content = FakeContent.Of(Geometry.ChunkBytes + (64 << 10) + 1001 * (version % 1000), version);
        File.WriteAllBytes(folder["incoming"], content.ToArray());
        File.Move(folder["incoming"], folder[$"versions/{version}"]);
        // The readers can meet the version before last in a descriptor that they hold, hardly an older one.
        File.Delete(folder[$"versions/{version - 20}"]);
        return content;
    }

    /// <summary>What the readers are told of: replaced whole, before and after.</summary>
    private sealed class Troubles(TempFolder folder)
    {
        private int _begun;
        private int _ended;

        public int Version { get; set; }

        public void Begin()
        {
            _begun++;
            Tell();
        }

        public void End()
        {
            _ended++;
            Tell();
        }

        public void Tell()
        {
            folder.Write("next-state", string.Create(CultureInfo.InvariantCulture, $"{Version} {_begun} {_ended}"));
            File.Move(folder["next-state"], folder["state/state"], overwrite: true);
        }
    }
}
