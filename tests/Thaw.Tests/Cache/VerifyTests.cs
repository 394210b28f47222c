using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Testing;
using Thaw.Tests.Storage;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>Sums of the origin, jobs that load and verify, what is freed and what is pinned.</summary>
public sealed class VerifyTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2 * Chunk + 1)]
    public async Task A_reader_of_bytes_that_do_not_match_the_sum_does_not_get_the_last_ones(int size)
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("model", size, 1, new FakeObjectOptions { Sum = FakeSum.Crc32C, SumValue = "AAAAAA==" });
        var (bytes, failure) = await house.ReadAsync("model");
        Assert.Equal(FailureKind.Corrupt, failure?.Kind);
        Assert.InRange(bytes.Length, 0, size - 1);
        await house.IsIdleAsync();
        // A chunk that was just being written may be kept once more, but never the whole.
        await house.HoldsAsync("the version is dropped", () => house.Stats.Cache.Bytes < size);
        var content = house.Put("model", size, 2, new FakeObjectOptions { Sum = FakeSum.Crc32C });
        await house.AssertReadsAsync("model", content);
    }

    [Fact]
    public async Task An_MD5_that_does_not_match_is_found_in_the_background()
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", Chunk + 1, 3, new FakeObjectOptions { ETag = $"\"{new string('0', 32)}\"" });
        await house.AssertReadsAsync("model", content);
        await house.HoldsAsync("the version is dropped", () => house.Stats.Cache is { Bytes: 0, Versions: 0 });
        await house.IsIdleAsync();
    }

    [Fact]
    public async Task A_load_brings_all_below_a_prefix_and_says_what_failed()
    {
        await using var house = await CacheHouse.StartAsync();
        var one = house.Put("llama/1", 2 * Chunk + 1, 4, new FakeObjectOptions { Sum = FakeSum.Crc32C });
        house.Put("llama/2", 0, 5);
        house.Put("other", 1, 6);
        var done = await house.RunJobAsync("load", "models/llama/");
        Assert.Equal(("done", 2L, one.SizeBytes, one.SizeBytes, 2L),
            (done.State, done.Objects, done.TotalBytes, done.PresentBytes, done.VerifiedObjects));
        Assert.Equal(one.SizeBytes, house.Stats.Origin.Cause.Load);
        Assert.Equal(one.SizeBytes, (await house.RunJobAsync("load", "models/llama/")).PresentBytes);
        Assert.Equal(one.SizeBytes, house.Stats.Origin.Bytes);
        house.Put("bad", Chunk, 7, new FakeObjectOptions { Sum = FakeSum.Crc32C, SumValue = "AAAAAA==" });
        var failed = await house.RunJobAsync("load", "models/bad", "models/none");
        Assert.Equal(("failed", 2), (failed.State, failed.Errors.Length));
        await house.IsIdleAsync();
    }

    [Fact]
    public async Task A_load_can_be_cancelled()
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("model", 30 * Chunk, 8);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet && request.Number > 4 ? new Fault { Gate = gate.Task } : null;
        var job = (await house.Cache.Control.StartJobAsync(new JobRequest("load", ["models/model"]), Stop)).Value;
        await house.HoldsAsync("some chunks are here", () => house.Stats.Cache.Bytes > 0);
        house.Cache.Control.CancelJob(job.Id);
        Assert.Equal("cancelled", (await house.EndOfAsync(job.Id)).State);
        gate.SetResult();
        await house.IsIdleAsync();
        Assert.InRange(house.Origin.Log.Gets.Count, 2, 29);
    }

    [Fact]
    public async Task A_verify_job_finds_a_flipped_bit_and_a_reader_mends_it()
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", 3 * Chunk, 9);
        await house.AssertReadsAsync("model", content);
        await house.IsIdleAsync();
        Assert.Equal("done", (await house.RunJobAsync("verify", "models/model")).State);
        var id = (await house.ResolveAsync("model")).Value.Id.ToString();
        var path = Path.Combine(house.Store.Disks.Single().Path, "versions", id[..2], id + ".data");
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            var one = new byte[1];
            RandomAccess.Read(file, one, Chunk + 12345);
            one[0] ^= 4;
            RandomAccess.Write(file, one, Chunk + 12345);
        }

        var failed = await house.RunJobAsync("verify", "models/model");
        Assert.Equal(("failed", 1L), (failed.State, failed.BadBlocks));
        Assert.Equal(1, house.Stats.Cache.CorruptChunks);
        await house.AssertReadsAsync("model", content);
        Assert.Equal(content.SizeBytes + Geometry.BlockBytes, house.Stats.Origin.Bytes);
        await house.IsIdleAsync();
        Assert.Equal("done", (await house.RunJobAsync("verify", "models/model")).State);
    }

    [Fact]
    public async Task Free_leaves_what_is_pinned_and_what_is_read()
    {
        await using var house = await CacheHouse.StartAsync();
        foreach (var (index, key) in new[] { "free", "pinned", "read" }.Index())
            await house.AssertReadsAsync(key, house.Put(key, Chunk, 20 + index));
        await house.IsIdleAsync();
        var pinned = await house.Cache.Control.SetPinAsync(new PathsRequest(["models/pinned"]), true, Stop);
        Assert.Equal(1, pinned.Value.Objects);
        var version = (await house.ResolveAsync("read")).Value;
        using (await house.Store.LeaseAsync(version.Id))
            Assert.Equal(new FreeResult(1, Chunk, 1, 1), await FreeAsync(house));
        await house.Cache.Control.SetPinAsync(new PathsRequest(["models/pinned"]), false, Stop);
        Assert.Equal(new FreeResult(2, 2 * Chunk, 0, 0), await FreeAsync(house));
        Assert.Equal(0, house.Stats.Cache.Bytes);
    }

    [Fact]
    public async Task Free_takes_the_file_of_a_version_of_which_nothing_is_left()
    {
        await using var house = await CacheHouse.StartAsync();
        house.Put("empty", Chunk, 30);
        var version = (await house.ResolveAsync("empty")).Value;
        using ((await house.Store.LeaseOrCreateAsync(version, Stop)).Value)
        {
            Assert.Equal(new FreeResult(0, 0, 0, 0), await FreeAsync(house));
            Assert.Equal(1, house.Stats.Cache.Versions);
        }

        Assert.Equal(new FreeResult(0, 0, 0, 0), await FreeAsync(house));
        Assert.Equal(0, house.Stats.Cache.Versions);
    }

    private static async Task<FreeResult> FreeAsync(CacheHouse house) =>
        (await house.Cache.Control.FreeAsync(new PathsRequest(["models/"]), Stop)).Value;
}
