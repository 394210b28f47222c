using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Testing;
using Thaw.Tests.Storage;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>Single flight, the order of fetching, the memory cap, and chunks that no disk keeps.</summary>
public sealed class FetchTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_readers_share_one_fetch_of_each_chunk()
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", 2 * Chunk + 1, 1);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        var readers = Enumerable.Range(0, 32).Select(_ => house.AssertReadsAsync("model", content)).ToArray();
        await house.HoldsAsync(
            "all readers wait", () => house.Stats.InFlight.Readers == 32 && house.Origin.Log.Gets.Count == 3);
        gate.SetResult();
        await Task.WhenAll(readers);
        await house.IsIdleAsync();
        Assert.Equal(3, house.Origin.Log.Gets.Count);
        Assert.Equal(content.SizeBytes, house.Stats.Origin.Bytes);
        Assert.Single(house.Origin.Log.Heads);
    }

    [Fact]
    public async Task A_first_reader_that_leaves_does_not_take_the_fetch_with_it()
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", Chunk, 2);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        using var leave = new CancellationTokenSource();
        var first = house.ReadAsync("model", cancellation: leave.Token);
        await house.HoldsAsync("the fetch runs", () => house.Origin.Log.Gets.Count == 1);
        var second = house.AssertReadsAsync("model", content);
        await house.HoldsAsync("both wait", () => house.Stats.InFlight.Readers == 2);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        gate.SetResult();
        await second;
        await house.IsIdleAsync();
        Assert.Single(house.Origin.Log.Gets);
    }

    [Fact]
    public async Task A_reader_goes_before_its_read_ahead_and_that_before_a_job()
    {
        // Two buffers: one chunk runs, the rest queues.
        await using var house = await CacheHouse.StartAsync(memoryBytes: 2L * Chunk * 8 / 7 + 8);
        house.Put("job", 6 * Chunk, 3);
        var read = house.Put("read", 4 * Chunk, 4);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        var job = (await house.Cache.Control.StartJobAsync(new JobRequest("load", ["models/job"]), Stop)).Value;
        await house.HoldsAsync("the job's first chunk runs", () => house.Origin.Log.Gets.Count >= 1);
        var reader = house.AssertReadsAsync("read", read);
        await house.HoldsAsync(
            "the reader's chunk runs too", () => house.Origin.Log.Gets.Count(get => get.Key == "read") == 1);
        Assert.Single(house.Origin.Log.Gets, get => get.Key == "job");
        gate.SetResult();
        await reader;
        Assert.Equal("done", (await house.EndOfAsync(job.Id)).State);
        await house.IsIdleAsync();
        var order = house.Origin.Log.Gets.Select(get => get.Key).ToList();
        // At most one further chunk of the job may start in a moment in which the reader has all it asked for.
        Assert.InRange(order.Take(order.LastIndexOf("read")).Count(key => key == "job"), 1, 3);
    }

    [Fact]
    public async Task Memory_stays_within_its_cap()
    {
        const long memory = 32L << 20;
        await using var house = await CacheHouse.StartAsync(memory);
        var contents = Enumerable.Range(0, 8).Select(n => house.Put($"model-{n}", 5 * Chunk + n, 10 + n)).ToArray();
        long peak = 0;
        house.Origin.Faults = _ =>
        {
            InterlockedMax(ref peak, house.Stats.InFlight.MemoryBytes);
            return null;
        };
        await Task.WhenAll(contents.Index().Select(one => house.AssertReadsAsync($"model-{one.Index}", one.Item)));
        await house.IsIdleAsync();
        Assert.InRange(peak, Chunk, memory);
        Assert.InRange(house.Stats.InFlight.MemoryCapacity, Chunk, memory);
        Assert.Equal(contents.Sum(content => content.SizeBytes), house.Stats.Origin.Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_chunk_that_no_disk_keeps_is_served_from_memory_until_that_is_needed(bool hasDisk)
    {
        await using var house = await CacheHouse.StartAsync(memoryBytes: 3L * Chunk * 8 / 7 + 8, hasDisk: hasDisk);
        if (hasDisk)
            house.Disk.BeforeWrite = path =>
            {
                if (path.EndsWith(".data", StringComparison.Ordinal))
                    throw new IOException("No space left on device", 28);
            };
        var small = house.Put("small", Chunk, 20);
        var large = house.Put("large", 4 * Chunk, 21);
        await house.AssertReadsAsync("small", small);
        await house.IsIdleAsync(unkeptBytes: Chunk);
        await house.AssertReadsAsync("small", small);
        Assert.Single(house.Origin.Log.Gets);
        await house.AssertReadsAsync("large", large);
        await house.AssertReadsAsync("small", small);
        Assert.Equal(2, house.Origin.Log.Gets.Count(get => get.Key == "small"));
        Assert.Equal(0, house.Stats.Cache.Bytes);
    }

    [Fact]
    public async Task A_version_that_changes_in_the_middle_is_one_clean_error_and_then_the_new_version()
    {
        await using var house = await CacheHouse.StartAsync(
            mount: mount => mount with { Revalidate = TimeSpan.FromHours(1) });
        house.Put("model", 24 * Chunk, 30);
        FakeContent? replaced = null;
        var (bytes, failure) = await house.ReadAsync(
            "model", progress: done => replaced ??= done > Chunk ? house.Put("model", 2 * Chunk, 31) : null);
        Assert.Equal(FailureKind.VersionChanged, failure?.Kind);
        Assert.True(bytes.AsSpan().SequenceEqual(FakeContent.Of(24 * Chunk, 30).ToArray(0, bytes.Length)));
        await house.AssertReadsAsync("model", replaced!);
        await house.IsIdleAsync();
    }

    [Fact]
    public async Task A_version_that_is_dropped_while_a_chunk_is_written_is_made_anew()
    {
        await using var house = await CacheHouse.StartAsync();
        var content = house.Put("model", Chunk, 40);
        var version = (await house.ResolveAsync("model")).Value;
        var drops = 0;
        house.Disk.BeforeWrite = path =>
        {
            if (!path.EndsWith(".data", StringComparison.Ordinal) || Interlocked.Increment(ref drops) != 1)
                return;
            // Someone else makes the files anew before this write ends: what it writes belongs to the old ones.
            RemakeAsync(house.Store, version).GetAwaiter().GetResult();
        };
        await house.AssertReadsAsync("model", content);
        await house.IsIdleAsync();
        Assert.True(drops > 1, "Nothing was written after the drop.");
        await house.AssertReadsAsync("model", content);
        Assert.Equal(content.SizeBytes, house.Stats.Cache.Bytes);
        Assert.Single(house.Origin.Log.Gets);
    }

    private static async Task RemakeAsync(ChunkStore store, ObjectVersion version)
    {
        await store.DropAsync(version.Id);
        (await store.LeaseOrCreateAsync(version)).Value.Dispose();
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen;)
            seen = Interlocked.CompareExchange(ref most, value, seen) is var was && was == seen ? value : was;
    }
}
