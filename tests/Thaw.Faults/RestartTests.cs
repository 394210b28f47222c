using System.Diagnostics;
using System.Xml.Linq;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>What a node still knows and has after it was stopped or killed, and how it stops under load.</summary>
[Trait("Category", "Server")]
public sealed class RestartTests(ITestOutputHelper output)
{
    private const string Bucket = "bucket";
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(5);

    private static readonly (string Key, long Size)[] Objects =
    [
        ("empty", 0), ("one", 1), ("config.json", 700), ("inline", Geometry.InlineBytes),
        ("block", Geometry.BlockBytes), ("folder/chunk", Geometry.ChunkBytes),
        ("folder/chunks.bin", 3 * Geometry.ChunkBytes + 12345), ("ü name", Geometry.ChunkBytes + 1),
    ];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_restart_nothing_is_fetched_again()
    {
        await using var scene = await StartAsync();
        var before = await ReadAllAsync(scene, "believed");
        Assert.Equal(before, await ReadAllAsync(scene, "asked"));
        await scene.IdleStatsAsync(Stop);
        Assert.Equal(0, await scene.Node.TerminateAsync());
        Assert.Contains("clean=yes", RunMarker(scene), StringComparison.Ordinal);

        await scene.Node.StartAsync(Stop);
        scene.Origin.Log.Clear();
        Assert.Equal(before, await ReadAllAsync(scene, "believed"));
        Assert.Empty(scene.Origin.Log.Requests);
        Assert.Equal(before, await ReadAllAsync(scene, "asked"));
        Assert.Empty(scene.Origin.Log.Gets);
        // A HEAD and a GET of each object, each of which asks once.
        Assert.Equal(2 * Objects.Length, scene.Origin.Log.Heads.Count);
        var stats = await scene.IdleStatsAsync(Stop);
        Assert.Equal((0, 0), (stats.Origin.Bytes, stats.Cache.CorruptChunks));
        Assert.Equal(1, stats.HitRatio);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Names_and_bytes_are_as_before_while_the_origin_is_off(bool isKilled)
    {
        await using var scene = await StartAsync();
        var before = await ReadAllAsync(scene, "asked");
        Assert.All(before, one => Assert.Contains("x-amz-meta-revision", one.Headers, StringComparison.Ordinal));
        var listed = await ListAsync(scene, "asked");
        await scene.IdleStatsAsync(Stop);
        if (isKilled)
            await scene.Node.KillAsync();
        else
            Assert.Equal(0, await scene.Node.TerminateAsync());
        await scene.Origin.DisposeAsync();

        await scene.Node.StartAsync(Stop);
        Assert.Equal(before, await ReadAllAsync(scene, "asked"));
        Assert.Equal(listed, await ListAsync(scene, "asked"));
        var stats = await scene.IdleStatsAsync(Stop);
        Assert.Equal((0, 0, 0), (stats.Origin.Bytes, stats.Cache.CorruptChunks, stats.Cache.LostInCrash));
    }

    [Fact]
    public async Task Readers_under_way_finish_when_the_node_is_asked_to_stop()
    {
        const long size = 12L * Geometry.ChunkBytes;
        await using var scene = await StartAsync(size);
        // Cold, at a pace that needs about 1.5 s: the origin still sends when the signal comes.
        scene.Origin.Bandwidth = new SharedBandwidth(size * 2 / 3);
        var reading = Enumerable.Range(0, 8)
            .Select(_ => new Download(scene.Http, scene.Uri("believed", "large")).RunAsync(Stop)).ToArray();
        await Eventually.HoldsAsync(
            "the load has begun", () => new(scene.Origin.Log.BytesSent > size / 8), scene.Describe,
            TimeSpan.FromSeconds(10), Stop);
        var (code, took) = await TerminateAsync(scene);
        Assert.True(scene.Origin.Log.BytesSent == size, "The load was over before the stop, or was cut by it.");
        var all = await Task.WhenAll(reading);
        var crc = scene.Origin.Find(Bucket, "large")!.Content.ComputeCrc32C();
        Assert.All(all, one => Assert.Equal((size, crc), (one.Bytes, one.Crc32C)));
        output.WriteLine($"stopped in {took.TotalSeconds:0.00} s");
        Assert.Equal(0, code);
        Assert.Contains("clean=yes", RunMarker(scene), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readers_that_do_not_finish_are_cut_and_the_node_stops_in_time()
    {
        const long size = 12L * Geometry.ChunkBytes;
        await using var scene = await StartAsync(size);
        scene.Origin.Bandwidth = new SharedBandwidth(size / 20);
        var reading = Enumerable.Range(0, 8)
            .Select(_ => new Download(scene.Http, scene.Uri("believed", "large")).RunAsync(Stop)).ToArray();
        await Eventually.HoldsAsync(
            "a chunk is entered",
            () => new(MapFile.All(scene.Node.CacheFolder).Any(map => map.ReadEntered().Count > 0)),
            scene.Describe, TimeSpan.FromSeconds(30), Stop);
        var (code, took) = await TerminateAsync(scene);
        output.WriteLine($"stopped in {took.TotalSeconds:0.00} s");
        Assert.Equal(0, code);
        Assert.Contains("clean=yes", RunMarker(scene), StringComparison.Ordinal);
        foreach (var one in reading)
            await Assert.ThrowsAnyAsync<Exception>(() => one);

        var entered = MapFile.All(scene.Node.CacheFolder).Sum(map => map.ReadEntered().Count);
        Assert.InRange(entered, 1, 11);
        scene.Origin.Bandwidth = null;
        scene.Origin.Log.Clear();
        await scene.Node.StartAsync(Stop);
        var read = await new Download(scene.Http, scene.Uri("believed", "large")).RunAsync(Stop);
        Assert.Equal(scene.Origin.Find(Bucket, "large")!.Content.ComputeCrc32C(), read.Crc32C);
        Assert.Equal(size - (long)entered * Geometry.ChunkBytes, scene.Origin.Log.BytesSent);
    }

    private static Task<Scene> StartAsync(long largeBytes = 0) => Scene.StartAsync(
        origin =>
        {
            if (largeBytes > 0)
                origin.Put(Bucket, "large", FakeContent.Of(largeBytes, seed: 9));
            foreach (var (index, (key, size)) in Objects.Index())
                origin.Put(Bucket, key, FakeContent.Of(size, index), new FakeObjectOptions
                {
                    ContentType = $"application/x-{index}",
                    Metadata = new Dictionary<string, string> { ["revision"] = $"r{index}" },
                    LastModified = DateTimeOffset.UnixEpoch.AddDays(20_000 + index),
                });
        },
        origin => new ThawSettings
        {
            Mounts =
            [
                new MountSettings("believed", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "1h" },
                new MountSettings("asked", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "0s" },
            ],
            Drain = Drain,
        },
        Stop);

    private static async Task<(int Code, TimeSpan Took)> TerminateAsync(Scene scene)
    {
        var watch = Stopwatch.StartNew();
        return (await scene.Node.TerminateAsync(), watch.Elapsed);
    }

    private static string RunMarker(Scene scene) => File.ReadAllText(Path.Combine(scene.Node.CacheFolder, "run"));

    /// <summary>HEAD and GET of every object; checks the bytes.</summary>
    private static async Task<List<Seen>> ReadAllAsync(Scene scene, string mount)
    {
        var seen = new List<Seen>();
        foreach (var (index, (key, size)) in Objects.Index())
        {
            var address = scene.Uri(mount, Uri.EscapeDataString(key));
            using var question = new HttpRequestMessage(HttpMethod.Head, address);
            using var head = await scene.Http.SendAsync(question, Stop);
            using var get = await scene.Http.GetAsync(address, Stop);
            var bytes = await get.Content.ReadAsByteArrayAsync(Stop);
            Assert.Equal((200, 200), ((int)head.StatusCode, (int)get.StatusCode));
            Assert.True(bytes.AsSpan().SequenceEqual(FakeContent.Of(size, index).ToArray()), $"{key} has other bytes.");
            Assert.Equal(size, head.Content.Headers.ContentLength);
            Assert.Equal(Describe(head), Describe(get));
            seen.Add(new Seen(key, Describe(get)));
        }

        return seen;
    }

    private static string Describe(HttpResponseMessage answer) => string.Join("\n",
        answer.Headers.Concat(answer.Content.Headers)
            .Where(header => header.Key is not ("Date" or "x-amz-request-id" or "x-amz-id-2"))
            .OrderBy(header => header.Key, StringComparer.Ordinal)
            .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}"));

    private static async Task<string> ListAsync(Scene scene, string mount)
    {
        var address = new Uri(scene.Node.S3, $"/{mount}?list-type=2");
        var xml = XDocument.Parse(await scene.Http.GetStringAsync(address, Stop));
        var entries = xml.Descendants().Where(element => element.Name.LocalName == "Contents").ToArray();
        Assert.Equal(Objects.Length, entries.Length);
        return string.Join("\n", entries.Select(entry => entry.ToString()));
    }

    private sealed record Seen(string Key, string Headers);
}
