using System.Net.Http.Json;
using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>SIGKILL in the middle of a load, at random moments: what was entered is never fetched again.</summary>
[Trait("Category", "Server")]
public sealed class KillTests(ITestOutputHelper output)
{
    /// <summary>
    /// Kills that must meet a write; one that meets none is checked and not counted. The native binary, with which
    /// <c>./test</c> runs this too, starts a dozen times as fast.
    /// </summary>
    private static readonly int Kills = Environment.GetEnvironmentVariable("THAW_BINARY") is null ? 10 : 50;

    private static readonly int MostKills = 3 * Kills;
    private const int Chunks = 10;
    private const long Size = (long)Chunks * Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_entered_before_a_kill_is_not_fetched_again()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var scene = await Scene.StartAsync(
            origin =>
            {
                origin.AddBucket("bucket");
                origin.Bandwidth = new SharedBandwidth(300_000_000);
            },
            origin => new ThawSettings
            {
                Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint, Revalidate = "1h" }],
                Capacity = "16GiB",
            },
            Stop);
        var (kills, torn) = (0, 0);
        for (; kills < MostKills && torn < Kills; kills++)
            torn += await KillOnceAsync(
                scene, $"model-{kills}", FakeContent.Of(Size, seed + kills), random, kills % 2 == 0) ? 1 : 0;
        output.WriteLine($"{kills} kills, {torn} of them in the middle of a write");
        Assert.True(torn >= Kills, $"Only {torn} of {kills} kills met a chunk that was being written.");
    }

    /// <summary>Returns whether a chunk had bytes on the disk and no entry when the node was killed.</summary>
    private async Task<bool> KillOnceAsync(
        Scene scene, string key, FakeContent content, Random random, bool isJob)
    {
        var put = scene.Origin.Put("bucket", key, content);
        scene.Origin.Log.Clear();
        var load = isJob
            ? StartJobAsync(scene, key)
            : new Download(scene.Http, scene.Uri("models", key)).RunAsync(Stop);
        var id = ContentId.Derive("s3", scene.Origin.Endpoint.Authority, "bucket", key, put.ETag, $"{Size}");
        var least = random.Next(0, Chunks - 2);
        await WaitForAWriteAsync(scene, id, least);
        await scene.Node.KillAsync();
        await EndAsync(load);
        var map = MapFile.Find(scene.Node.CacheFolder, id)!;
        var (entered, torn) = (map.ReadEntered(), map.ReadBegun());
        output.WriteLine(
            $"{key}: killed with {entered.Count} of {Chunks} chunks entered, {torn.Count} partly written");

        scene.Origin.Log.Clear();
        await scene.Node.StartAsync(Stop);
        var read = await new Download(scene.Http, scene.Uri("models", key)).RunAsync(Stop);
        Assert.Equal((Size, content.ComputeCrc32C()), (read.Bytes, read.Crc32C));
        var stats = await scene.IdleStatsAsync(Stop);
        Assert.Equal((0, 0), (stats.Cache.CorruptChunks, stats.Cache.LostInCrash));
        var missing = Enumerable.Range(0, Chunks).Except(entered)
            .Select(chunk => $"bytes={Geometry.ChunkOffset(chunk)}-{Geometry.ChunkOffset(chunk + 1) - 1}");
        Assert.Equal(missing.Order(), scene.Origin.Log.Gets.Select(get => get.Range).Order());
        Assert.Equal((Chunks - entered.Count) * (long)Geometry.ChunkBytes, stats.Origin.Bytes);
        scene.Origin.Delete("bucket", key);
        return torn.Count > 0;
    }

    /// <summary>Spins, so that the kill meets a chunk between its first byte and its entry.</summary>
    private static async Task WaitForAWriteAsync(Scene scene, ContentId id, int least)
    {
        MapFile? map = null;
        await Eventually.HoldsAsync(
            $"{least} chunks are entered",
            () => new((map ??= MapFile.Find(scene.Node.CacheFolder, id))?.ReadEntered().Count >= least),
            scene.Describe, TimeSpan.FromSeconds(60), Stop);
        var limit = Environment.TickCount64 + 5000;
        while (map!.ReadBegun().Count == 0 && map.ReadEntered().Count < Chunks && Environment.TickCount64 < limit)
            Thread.SpinWait(1);
    }

    private static async Task StartJobAsync(Scene scene, string key)
    {
        using var answer = await scene.Node.Http.PostAsJsonAsync(
            "/api/v1/jobs", new JobRequest("load", [$"models/{key}"]), ApiJson.Default.JobRequest, Stop);
        answer.EnsureSuccessStatusCode();
    }

    private static async Task EndAsync(Task load)
    {
        try
        {
            await load;
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            return; // a reader is cut by the kill
        }
    }
}
