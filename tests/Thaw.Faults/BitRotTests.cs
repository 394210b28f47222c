using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Format;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>
/// Bits flip in the files of a stopped and of a running node, in the page cache too: readers get the origin's bytes,
/// each damaged chunk is counted, and the damaged blocks alone are fetched again.
/// </summary>
[Trait("Category", "Server")]
public sealed class BitRotTests(ITestOutputHelper output)
{
    private const string Bucket = "bucket";
    private const long Size = 4L * Geometry.ChunkBytes + 3 * Geometry.BlockBytes + 12345;
    private const int SmallSize = 20_000;

    /// <summary>Chunk and block; neighbours in one chunk are one range.</summary>
    private static readonly (int Chunk, int Block)[] Damage = [(0, 0), (1, 5), (1, 6), (1, 31), (3, 17), (4, 3)];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Flipped_bits_are_never_served_and_cost_their_blocks_alone(bool isRunning)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var scene = await StartAsync(seed);
        var (large, small) = (await WarmAsync(scene, "large"), await WarmAsync(scene, "small"));
        Assert.Empty(scene.Origin.Log.Gets);
        if (!isRunning)
            Assert.Equal(0, await scene.Node.TerminateAsync());
        foreach (var (chunk, block) in Damage)
        {
            var start = Geometry.ChunkOffset(chunk) + (long)block * Geometry.BlockBytes;
            Flip(large + ".data", start + random.Next((int)Math.Min(Geometry.BlockBytes, Size - start)), random);
        }

        Flip(small + ".map", MapLayout.InlineOffset(1) + random.Next(SmallSize), random);
        if (!isRunning)
            await scene.Node.StartAsync(Stop);

        await Task.WhenAll(
            ReadAsync(scene, "large"), ReadAsync(scene, "large"), ReadAsync(scene, "small"), ReadAsync(scene, "large"));
        var stats = await scene.IdleStatsAsync(Stop);
        Assert.Equal(Damage.Select(one => one.Chunk).Distinct().Count() + 1, stats.Cache.CorruptChunks);
        Assert.Equal(0, stats.Cache.LostInCrash);
        string[] ranges =
        [
            RangeOf(0, 0, 0), RangeOf(1, 5, 6), RangeOf(1, 31, 31), RangeOf(3, 17, 17), RangeOf(4, 3, 3),
            $"bytes=0-{SmallSize - 1}",
        ];
        Assert.Equal(ranges.Order(), scene.Origin.Log.Gets.Select(get => get.Range).Order());

        // What was repaired is as it was, on the disk too.
        scene.Origin.Log.Clear();
        await ReadAsync(scene, "large");
        await ReadAsync(scene, "small");
        Assert.Empty(scene.Origin.Log.Gets);
        Assert.Equal(stats.Cache.CorruptChunks, (await scene.IdleStatsAsync(Stop)).Cache.CorruptChunks);
        Assert.Equal(scene.Origin.Find(Bucket, "large")!.Content.ComputeCrc32C(),
            FakeContent.From(await File.ReadAllBytesAsync(large + ".data", Stop)).ComputeCrc32C());
    }

    private static Task<Scene> StartAsync(int seed) => Scene.StartAsync(
        origin =>
        {
            origin.Put(Bucket, "large", FakeContent.Of(Size, seed));
            origin.Put(Bucket, "small", FakeContent.Of(SmallSize, seed + 1));
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "1h" }],
        },
        Stop);

    /// <summary>Reads an object until all of it is kept; where its files are, without their extension.</summary>
    private static async Task<string> WarmAsync(Scene scene, string key)
    {
        await ReadAsync(scene, key);
        await scene.IdleStatsAsync(Stop);
        scene.Origin.Log.Clear();
        await ReadAsync(scene, key);
        var found = scene.Origin.Find(Bucket, key)!;
        var hex = ContentId.Derive(
            "s3", scene.Origin.Endpoint.Authority, Bucket, key, found.ETag, $"{found.Content.SizeBytes}").ToString();
        return Path.Combine(scene.Node.CacheFolder, "versions", hex[..2], hex);
    }

    private static async Task ReadAsync(Scene scene, string key)
    {
        var content = scene.Origin.Find(Bucket, key)!.Content;
        var read = await new Download(scene.Http, scene.Uri("models", key)).RunAsync(Stop);
        Assert.Equal((content.SizeBytes, content.ComputeCrc32C()), (read.Bytes, read.Crc32C));
    }

    private static string RangeOf(int chunk, int first, int last)
    {
        var start = Geometry.ChunkOffset(chunk);
        var end = Math.Min(Size, start + (last + 1L) * Geometry.BlockBytes);
        return $"bytes={start + (long)first * Geometry.BlockBytes}-{end - 1}";
    }

    /// <summary>Through the same file system, so that the page cache has it too.</summary>
    private static void Flip(string path, long offset, Random random)
    {
        using var file = File.OpenHandle(
            path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var one = new byte[1];
        Assert.Equal(1, RandomAccess.Read(file, one, offset));
        one[0] ^= (byte)(1 << random.Next(8));
        RandomAccess.Write(file, one, offset);
    }
}
