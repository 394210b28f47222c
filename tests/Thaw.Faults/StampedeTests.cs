using System.Diagnostics;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults;

/// <summary>
/// Many readers of one cold object at once: its bytes leave the origin once, nobody waits for the slow ones, and the
/// node's memory stays within its cap.
/// </summary>
[Trait("Category", "Server")]
public sealed class StampedeTests(ITestOutputHelper output)
{
    private const string Key = "model.safetensors";
    private const long MostResidentBytes = 300_000_000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sixty_four_readers_of_a_cold_2_GiB_object_cost_one_read_of_the_origin()
    {
        const long size = 2L << 30;
        var content = FakeContent.Of(size, seed: 64);
        await using var stampede = await StartAsync(content, "4GiB");
        var uri = stampede.Uri("models", Key);
        var slow = Enumerable.Range(0, 8)
            .Select(_ => new Download(stampede.Http, uri) { BytesPerSecond = 20_000_000 }).ToArray();
        var leaving = Enumerable.Range(0, 8).Select(_ => new Download(stampede.Http, uri) { HangUpAfter = size / 2 });
        var fast = Enumerable.Range(0, 47).Select(n => new Download(stampede.Http, uri) { WithSha256 = n == 0 });

        var watch = Stopwatch.StartNew();
        var early = slow.Concat(leaving).Concat(fast).Select(one => one.RunAsync(Stop)).ToArray();
        await Eventually.HoldsAsync(
            "three quarters have left the origin", () => new(stampede.Origin.Log.BytesSent > size / 4 * 3),
            stampede.Describe, TimeSpan.FromMinutes(2), Stop);
        var late = new Download(stampede.Http, uri) { WithSha256 = true }.RunAsync(Stop);
        Assert.True(stampede.Origin.Log.BytesSent < size, "The late reader came after the last byte.");
        var all = await Task.WhenAll([.. early, late]);
        await ReportAsync(stampede, size, watch.Elapsed);

        AssertRight(content, all.Where(one => one.Bytes == size), readers: 56);
        var half = CrcOf(content, size / 2);
        Assert.Equal(8, all.Count(one => one.Bytes == size / 2 && one.Crc32C == half));
        await AssertReadOnceAsync(stampede, size);
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task Eight_readers_of_a_cold_10_GiB_object_cost_one_read_of_the_origin()
    {
        const long size = 10L << 30;
        var content = FakeContent.Of(size, seed: 10);
        await using var stampede = await StartAsync(content, "12GiB");
        var watch = Stopwatch.StartNew();
        var all = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(n => new Download(stampede.Http, stampede.Uri("models", Key)) { WithSha256 = n == 0 })
            .Select(one => one.RunAsync(Stop)));
        await ReportAsync(stampede, size, watch.Elapsed);

        AssertRight(content, all, readers: 8);
        await AssertReadOnceAsync(stampede, size);
    }

    private static Task<Scene> StartAsync(FakeContent content, string capacity) => Scene.StartAsync(
        origin =>
        {
            origin.Put("bucket", Key, content);
            origin.Bandwidth = new SharedBandwidth(400_000_000);
        },
        origin => new ThawSettings
        {
            Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint }],
            Memory = "128MiB",
            Capacity = capacity,
        },
        Stop);

    private static void AssertRight(FakeContent content, IEnumerable<Downloaded> finished, int readers)
    {
        var crc = content.ComputeCrc32C();
        var all = finished.ToArray();
        Assert.Equal(readers, all.Length);
        Assert.All(all, one => Assert.Equal((content.SizeBytes, crc), (one.AnnouncedBytes, one.Crc32C)));
        var sums = all.Where(one => one.Sha256 is not null).ToArray();
        Assert.NotEmpty(sums);
        Assert.All(sums, one => Assert.Equal(content.Sha256(), one.Sha256));
    }

    private static async Task AssertReadOnceAsync(Scene stampede, long size)
    {
        var stats = await stampede.IdleStatsAsync(Stop);
        Assert.Equal(size, stats.Origin.Bytes);
        Assert.Equal(size, stats.Cache.Bytes);
        Assert.Equal(0, stats.Cache.CorruptChunks);
        var gets = stampede.Origin.Log.Gets;
        Assert.Equal(size, gets.Sum(get => get.BytesSent));
        Assert.Equal(Geometry.ChunkCount(size), gets.Select(get => get.Range).Distinct().Count());
        Assert.Equal(Geometry.ChunkCount(size), gets.Count);
        Assert.InRange(stampede.Node.PeakResidentBytes, 1, MostResidentBytes);
    }

    private async Task ReportAsync(Scene stampede, long size, TimeSpan took)
    {
        var stats = await stampede.Node.GetStatsAsync(Stop);
        output.WriteLine(
            $"object {size} bytes, origin {stats.Origin.Bytes} bytes (its own log: {stampede.Origin.Log.BytesSent}), "
            + $"served {stats.Served.S3.Local + stats.Served.S3.Origin} bytes in {took.TotalSeconds:0.0} s, "
            + $"peak resident {stampede.Node.PeakResidentBytes / 1e6:0} MB");
    }

    private static uint CrcOf(FakeContent content, long length)
    {
        uint crc = 0;
        var buffer = new byte[1 << 20];
        for (long at = 0; at < length; at += buffer.Length)
        {
            content.Read(at, buffer);
            crc = Crc32C.Append(crc, buffer);
        }

        return crc;
    }
}
