using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cluster;

/// <summary>One copy from the origin for all nodes, whatever happens to some of them.</summary>
public sealed class ClusterTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nodes_that_start_at_once_take_one_copy_from_the_origin()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var content = house.Put("model", 7 * Chunk + 12_345, 1);
        await house.AssertAllReadAsync("model", content);
        await house.HoldsAsync("all is kept", () => house.AllStats.All(node => node.InFlight.Chunks == 0));
        Assert.Equal(content.SizeBytes, house.Origin.Log.Gets.Sum(get => get.BytesSent));
        Assert.Equal(8, house.Origin.Log.Gets.Count);
        Assert.Single(house.Origin.Log.Heads);
        Assert.Equal(content.SizeBytes, house.AllStats.Sum(node => node.Origin.Cause.Reader));
        Assert.Equal(2 * content.SizeBytes, house.AllStats.Sum(node => node.Peers.BytesIn));
        await house.HoldsAsync("all that was received is counted as sent",
            () => house.AllStats.Sum(node => node.Peers.BytesOut) == 2 * content.SizeBytes);
        // A reader that comes to a chunk when it is kept already is served locally.
        var served = house.AllStats.Select(node => node.Served.S3).ToArray();
        Assert.Equal(3 * content.SizeBytes, served.Sum(tiers => tiers.Peer + tiers.Origin + tiers.Local));
        Assert.InRange(served.Sum(tiers => tiers.Peer), 1, 2 * content.SizeBytes);
        Assert.InRange(served.Sum(tiers => tiers.Origin), 0, content.SizeBytes);
    }

    [Fact]
    public async Task Each_key_costs_one_head_in_the_whole_cluster()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var contents = Enumerable.Range(0, 12).Select(number => house.Put($"file-{number}", 100_000, number)).ToArray();
        await Task.WhenAll(contents.Select((content, number) => house.AssertAllReadAsync($"file-{number}", content)));
        Assert.Equal(12, house.Origin.Log.Heads.Count);
        Assert.Equal(12 * 100_000, house.Origin.Log.Gets.Sum(get => get.BytesSent));
    }

    [Fact]
    public async Task What_one_node_has_read_the_others_get_from_nodes()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var content = house.Put("model", 3 * Chunk, 2);
        await house.AssertReadsAsync(0, "model", content);
        var sent = house.Origin.Log.Gets.Sum(get => get.BytesSent);
        await house.AssertReadsAsync(1, "model", content);
        await house.AssertReadsAsync(2, "model", content);
        Assert.Equal(sent, house.Origin.Log.Gets.Sum(get => get.BytesSent));
        Assert.Equal(content.SizeBytes, sent);
    }

    [Fact]
    public async Task When_an_owner_is_gone_the_next_takes_over_and_says_so()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var content = house.Put("model", 9 * Chunk, 3);
        await house.StopNodeAsync(2);
        await house.AssertAllReadAsync("model", content);
        var causes = house.AllStats.Select(node => node.Origin.Cause).ToArray();
        Assert.True(causes.Sum(cause => cause.Takeover) > 0, $"{string.Join(", ", causes.AsEnumerable())}");
        Assert.Equal(content.SizeBytes, causes.Sum(cause => cause.Takeover + cause.Reader));
        Assert.Equal(content.SizeBytes, house.Origin.Log.Gets.Sum(get => get.BytesSent));
    }

    [Fact]
    public async Task A_slow_origin_is_no_dead_owner()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var content = house.Put("model", 4 * Chunk, 4);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        var reading = house.AssertAllReadAsync("model", content);
        await house.HoldsAsync("all owners ask", () => house.Origin.Log.Gets.Count == 4);
        // The peers' promise is a sign of life each quarter of a second, and a verdict after one: wait for several.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        for (var tick = 0; tick < 6; tick++)
            await timer.WaitForNextTickAsync(Stop);
        Assert.Equal(4, house.Origin.Log.Gets.Count);
        gate.SetResult();
        await reading;
        Assert.Equal(content.SizeBytes, house.Origin.Log.Gets.Sum(get => get.BytesSent));
        Assert.Equal(0, house.AllStats.Sum(node => node.Origin.Cause.Takeover));
    }

    [Fact]
    public async Task A_new_node_loads_a_cached_model_while_the_origin_is_away()
    {
        await using var house = await ClusterHouse.StartAsync(4, absent: 1);
        var content = house.Put("model", 6 * Chunk + 1, 5);
        await house.AssertAllReadAsync("model", content);
        await house.HoldsAsync("all is kept", () => house.AllStats.All(
            node => node.InFlight.Chunks == 0 && node.Cache.Bytes == content.SizeBytes));
        house.Origin.Faults = _ => new Fault { Status = 503 };
        await house.StartNodeAsync(3);
        await house.AssertReadsAsync(3, "model", content);
        Assert.Equal(content.SizeBytes, house.Stats(3).Peers.BytesIn);
    }

    [Fact]
    public async Task After_a_restart_of_every_node_too()
    {
        await using var house = await ClusterHouse.StartAsync(3, absent: 1);
        var content = house.Put("model", 4 * Chunk + 1, 6);
        await house.AssertAllReadAsync("model", content);
        await house.HoldsAsync("all is kept", () => house.AllStats.All(
            node => node.InFlight.Chunks == 0 && node.Cache.Bytes == content.SizeBytes));
        await house.StopNodeAsync(0);
        await house.StopNodeAsync(1);
        house.Origin.Faults = _ => new Fault { Status = 503 };
        for (var index = 0; index < 3; index++)
            await house.StartNodeAsync(index);
        // Within seconds the homes are told again who holds what.
        await Eventually.HoldsAsync("the empty node reads",
            async () => (await house.ReadAsync(2, "model")).Failure is null,
            () => $"{house.Stats(2)}", TimeSpan.FromSeconds(40), Stop);
        await house.AssertReadsAsync(2, "model", content);
        Assert.Equal(content.SizeBytes, house.Stats(2).Peers.BytesIn);
    }

    [Fact]
    public async Task An_object_that_changes_in_a_stampede_is_read_wholly_old_or_new_or_fails_clean()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var old = house.Put("model", 6 * Chunk, 7);
        var changed = 0;
        FakeContent? next = null;
        house.Origin.Faults = request =>
        {
            if (request.IsGet && Interlocked.Increment(ref changed) == 3)
                next = house.Put("model", 6 * Chunk, 8);
            return null;
        };
        var reads = await Task.WhenAll(Enumerable.Range(0, 12).Select(
            number => Task.Run(() => house.ReadAsync(number % 3, "model"))));
        Assert.All(reads, read =>
        {
            if (read.Failure is { } failure)
                Assert.Equal(FailureKind.VersionChanged, failure.Kind);
            else
                Assert.True(read.Bytes.AsSpan().SequenceEqual(old.ToArray())
                    || read.Bytes.AsSpan().SequenceEqual(next!.ToArray()));
        });
        await house.AssertAllReadAsync("model", next!);
        Assert.InRange(house.Origin.Log.Gets.Sum(get => get.BytesSent), next!.SizeBytes, 2 * next.SizeBytes);
    }

    [Fact]
    public async Task A_holder_whose_disk_lies_costs_a_retry_and_finds_it_out()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        // Until the node that will lie owns a chunk.
        var (key, total) = ("", 0L);
        FakeContent content;
        do
        {
            key = $"model-{total}";
            content = house.Put(key, 3 * Chunk, (int)(total / Chunk));
            total += content.SizeBytes;
            await house.AssertReadsAsync(0, key, content);
            await house.HoldsAsync("all is kept", () => house.AllStats.All(node => node.InFlight.Chunks == 0));
        }
        while (house.Stats(1).Origin.Bytes == 0);
        Assert.Equal(total, house.Origin.Log.Gets.Sum(get => get.BytesSent));
        house.Damage(1);
        await house.AssertReadsAsync(2, key, content);
        var corrupt = house.Stats(1).Cache.CorruptChunks;
        Assert.InRange(corrupt, 1, 3);
        Assert.InRange(house.Origin.Log.Gets.Sum(get => get.BytesSent) - total, 0, corrupt * Chunk);
        await house.AssertReadsAsync(1, key, content);
    }

    [Fact]
    public async Task A_zone_takes_one_copy_from_another_zone()
    {
        await using var house = await ClusterHouse.StartAsync(4, zones: ["a", "a", "b", "b"]);
        var content = house.Put("model", 8 * Chunk, 9);
        await house.AssertAllReadAsync("model", content);
        Assert.Equal(content.SizeBytes, house.Origin.Log.Gets.Sum(get => get.BytesSent));
        Assert.Equal(3 * content.SizeBytes, house.AllStats.Sum(node => node.Peers.BytesIn));
    }

    [Fact]
    public async Task A_load_is_done_on_all_nodes_and_any_of_them_tells_of_the_whole()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        var content = house.Put("llama/model", 5 * Chunk + 1, 10);
        house.Put("llama/index", 1000, 11);
        var control = house.NodeAt(1).Cache.Control;
        var job = (await control.StartJobAsync(new JobRequest("load", ["models/llama/"]), Stop)).Value;
        await house.HoldsAsync("the job ends", () => (job = control.GetJob(job.Id)!).State != "running");
        Assert.Equal("done", job.State);
        Assert.Empty(job.Errors);
        var bytes = content.SizeBytes + 1000;
        Assert.Equal((6, 6, 3 * bytes, 3 * bytes),
            (job.Objects, job.VerifiedObjects, job.TotalBytes, job.PresentBytes));
        Assert.Equal(["n0", "n1", "n2"], job.Nodes.Select(node => node.Node).Order());
        Assert.All(job.Nodes, node => Assert.Equal(bytes, node.PresentBytes));
        Assert.Equal(bytes, house.Origin.Log.Gets.Sum(get => get.BytesSent));

        var sums = await house.NodeAt(2).Cache.Control.GetClusterStatsAsync(Stop);
        Assert.Equal(["n0", "n1", "n2"], sums.Nodes!.Order());
        Assert.Equal((bytes, 3 * bytes), (sums.Origin.Cause.Load, sums.Cache.Bytes));
        await Eventually.HoldsAsync("every node knows the holders",
            async () => (await house.NodeAt(0).Cache.Control.GetObjectsAsync("models/llama/model", null, 1, Stop))
                .Value.Objects[0].Holders.Length == 3,
            () => "", TimeSpan.FromSeconds(20), Stop);
    }

    [Fact]
    public async Task A_load_on_some_nodes_runs_there_and_is_cancelled_everywhere()
    {
        await using var house = await ClusterHouse.StartAsync(3);
        house.Put("model", 2 * Chunk, 12);
        var control = house.NodeAt(0).Cache.Control;
        Assert.Equal(FailureKind.InvalidRequest,
            (await control.StartJobAsync(new JobRequest("load", ["models/model"], "4"), Stop)).Failure!.Kind);
        var gate = new TaskCompletionSource();
        house.Origin.Faults = request => request.IsGet ? new Fault { Gate = gate.Task } : null;
        var job = (await control.StartJobAsync(new JobRequest("load", ["models/model"], "2"), Stop)).Value;
        await house.HoldsAsync("two nodes run it", () => control.GetJob(job.Id)!.Nodes.Length == 2);
        control.CancelJob(job.Id);
        await house.HoldsAsync("it ends on both", () => control.GetJob(job.Id)!.State == "cancelled"
            && new[] { 1, 2 }.SelectMany(index => house.NodeAt(index).Cache.Control.GetJobs())
                .Single().State == "cancelled");
        gate.SetResult();
    }
}
