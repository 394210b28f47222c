using System.Collections.Immutable;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Xunit;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>What two nodes that mean well do with each other.</summary>
public sealed class TransferTests
{
    private static readonly PeerPlace Place = new("s3://bucket", "model/weights");

    [Fact]
    public async Task A_stored_chunk_comes_whole_and_each_block_is_told_in_order()
    {
        await using var house = new TransferHouse();
        for (var chunk = 0; chunk < 3; chunk++)
        {
            var (end, sink) = await house.FetchAsync(TransferHouse.RequestOf(chunk), expected: house.CrcsOf(chunk));
            Assert.Equal(PeerEnd.Complete, end.End);
            Assert.True(sink.Memory.Span.SequenceEqual(house.ChunkOf(chunk)));
            Assert.Equal(house.CrcsOf(chunk).Select((crc, block) => (block, crc)), sink.Blocks);
        }

        Assert.Equal(TransferHouse.SizeBytes, house.Client.BytesIn);
        Assert.Equal(TransferHouse.SizeBytes, house.Server.BytesOut);
        Assert.All(house.Service.Asked, asked => Assert.Equal("asks", asked.Node));
    }

    [Fact]
    public async Task Many_chunks_at_once_come_over_several_connections()
    {
        await using var house = new TransferHouse(asks: options => options with { Connections = 4 });
        await Task.WhenAll(Enumerable.Range(0, 60).Select(index => house.AssertFetchesAsync(index % 3)));
        Assert.InRange(house.Server.Connections, 2, 4);
    }

    [Fact]
    public async Task Some_blocks_of_a_chunk_leave_the_rest_of_the_memory_alone()
    {
        await using var house = new TransferHouse();
        var (end, sink) = await house.FetchAsync(
            TransferHouse.RequestOf(2) with { FirstBlock = 2, BlockCount = 2 });
        Assert.Equal(new PeerFetchEnd(PeerEnd.Complete, 4), end);
        Assert.Equal([2, 3], sink.Blocks.Select(block => block.Block));
        const int start = 2 * Geometry.BlockBytes;
        Assert.True(sink.Memory.Span[start..].SequenceEqual(house.ChunkOf(2).AsSpan(start)));
        Assert.False(sink.Memory.Span[..start].ContainsAnyExcept((byte)0));
    }

    [Fact]
    public async Task A_chunk_in_flight_is_cut_through_block_by_block_and_its_node_says_why_it_waits()
    {
        await using var house = new TransferHouse();
        var flight = house.Service.Flight(house.ChunkOf(2));
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(flight);
        var sink = new SampleSink(TransferHouse.LastBytes);
        var fetch = house.FetchAsync(TransferHouse.RequestOf(2), sink);
        for (var ready = 1; ready <= 4; ready++)
        {
            // Longer than a silent node is borne with: what keeps it alive are its own words.
            if (ready == 2)
                await sink.UntilAsync(told => told.Waits.Length >= 6);
            flight.MakeReady(ready);
            await sink.UntilAsync(told => told.Blocks.Length >= ready);
            Assert.Equal(ready, sink.Blocks.Length);
        }

        var (end, _) = await fetch;
        Assert.Equal(PeerEnd.Complete, end.End);
        Assert.All(sink.Waits, wait => Assert.Equal(PeerWait.Origin, wait));
        Assert.True(sink.Memory.Span.SequenceEqual(house.ChunkOf(2)));
    }

    [Fact]
    public async Task A_flight_that_fails_ends_with_the_failure_and_the_blocks_so_far()
    {
        await using var house = new TransferHouse();
        var flight = house.Service.Flight(house.ChunkOf(2));
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(flight);
        var failure = new Failure(
            FailureKind.Throttled, "The origin asks to slow down.", RetryAdvice.Later, TimeSpan.FromSeconds(7));
        flight.MakeReady(2, failure);
        var (end, sink) = await house.FetchAsync(TransferHouse.RequestOf(2));
        Assert.Equal(new PeerFetchEnd(PeerEnd.Failed, 2, failure), end);
        Assert.Equal(2, sink.Blocks.Length);
    }

    [Fact]
    public async Task A_node_sends_elsewhere_or_has_no_such_mount_or_says_why_not()
    {
        await using var house = new TransferHouse();
        var failure = new Failure(FailureKind.DiskFailed, "A disk fails.", RetryAdvice.Elsewhere);
        PeerSupply[] supplies = [new RedirectSupply("node-é"), new NotConfiguredSupply(), new FailedSupply(failure)];
        house.Service.Open = (request, _) => new ValueTask<PeerSupply>(supplies[request.Chunk]);
        Assert.Equal(
            new PeerFetchEnd(PeerEnd.Redirected, 0, null, "node-é"),
            (await house.FetchAsync(TransferHouse.RequestOf(0))).End);
        Assert.Equal(PeerEnd.NotConfigured, (await house.FetchAsync(TransferHouse.RequestOf(1))).End.End);
        Assert.Equal(
            new PeerFetchEnd(PeerEnd.Failed, 0, failure), (await house.FetchAsync(TransferHouse.RequestOf(2))).End);
    }

    [Fact]
    public async Task What_is_cancelled_gives_back_memory_and_lease_and_the_connection_goes_on()
    {
        await using var house = new TransferHouse();
        var flight = house.Service.Flight(house.ChunkOf(2));
        house.Service.Open = (request, _) =>
            new ValueTask<PeerSupply>(request.Chunk == 2 ? flight : house.StoredOf(request.Chunk));
        flight.MakeReady(1);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TransferHouse.Stop);
        var sink = new SampleSink(TransferHouse.LastBytes);
        var fetch = house.FetchAsync(TransferHouse.RequestOf(2), sink, cancel.Token);
        await sink.UntilAsync(told => told.Blocks.Length == 1);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetch);
        await Thaw.Testing.Eventually.HoldsAsync(
            "the lease goes back", () => new(house.Service.Held == 0), () => $"{house.Service.Held} held",
            TransferHouse.Limit, TransferHouse.Stop);
        await house.AssertFetchesAsync(0);
        Assert.Equal(1, house.Server.Connections);
    }

    [Fact]
    public async Task A_request_that_was_not_answered_in_its_time_ends()
    {
        await using var house = new TransferHouse();
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(house.Service.Flight(house.ChunkOf(2)));
        var (end, _) = await house.FetchAsync(
            TransferHouse.RequestOf(2) with { Patience = TimeSpan.FromMilliseconds(50) });
        Assert.Equal((PeerEnd.Failed, RetryAdvice.Later), (end.End, end.Failure?.Retry));
    }

    [Fact]
    public async Task A_reader_s_chunk_overtakes_what_jobs_asked_for_before()
    {
        await using var house = new TransferHouse();
        using var gate = new ManualResetEventSlim();
        var sent = new System.Collections.Concurrent.ConcurrentQueue<PeerPriority>();
        house.Service.Open = (request, _) => new ValueTask<PeerSupply>(
            new SampleStored(house.Service, house.Data, Geometry.ChunkOffset(2), house.CrcsOf(2))
            {
                // The first frame begins only when everything else is queued.
                BeforeSend = () =>
                {
                    sent.Enqueue(request.Priority);
                    Assert.True(gate.Wait(TransferHouse.Limit));
                },
            });
        PeerPriority[] asked =
        [
            PeerPriority.Job, PeerPriority.Job, PeerPriority.Background, PeerPriority.Job, PeerPriority.Demand,
            PeerPriority.ReadAhead,
        ];
        var fetches = new List<Task>();
        foreach (var priority in asked)
        {
            fetches.Add(house.FetchAsync(TransferHouse.RequestOf(2) with { Priority = priority }));
            await Thaw.Testing.Eventually.HoldsAsync(
                "the request is queued", () => new(house.Server.QueuedBytes == fetches.Count * TransferHouse.LastBytes),
                () => $"{house.Server.QueuedBytes} bytes", TransferHouse.Limit, TransferHouse.Stop);
        }

        gate.Set();
        await Task.WhenAll(fetches);
        Assert.Equal([asked[0], .. asked[1..].Order()], sent);
    }

    [Fact]
    public async Task Questions_of_every_kind_arrive_and_are_answered()
    {
        await using var house = new TransferHouse();
        var bits = new ChunkBits(3, [0b101, 7]);
        ImmutableArray<ChunkCrcs> crcs = [new(1, [1, 2, 3]), new(9, [uint.MaxValue])];
        (PeerQuestion Question, PeerAnswer Answer)[] pairs =
        [
            (new ControlQuestion(ControlCall.GetJob, [.. "\"7f\""u8]), new ControlAnswer([.. "{}"u8])),
            (new ResolveQuestion(Place, true), new VersionAnswer(WireSamples.Version, TimeSpan.FromMilliseconds(1234))),
            (new HoldersQuestion(Place, TransferHouse.Id), new HoldersAnswer([new("a", bits), new("b", bits)])),
            (new BlockCrcsQuestion(Place, TransferHouse.Id, 4, 100), new BlockCrcsAnswer(crcs)),
            (new HaveQuestion(Place, TransferHouse.Id, 99, bits, crcs, true), new DoneAnswer()),
            (new ListQuestion(Place, new ListRequest(Place.Key, "/", "x", 10)), new ListAnswer(WireSamples.Page)),
            (new BadBlocksQuestion(TransferHouse.Id, 7, 5), new DoneAnswer()),
        ];
        foreach (var (question, answer) in pairs)
        {
            PeerQuestion? asked = null;
            house.Service.Answer = got =>
            {
                asked = got;
                return answer;
            };
            var answered = await house.Client.AskAsync(house.Peer, question, TransferHouse.Stop);
            Assert.Equivalent(question, asked);
            Assert.Equivalent(answer, answered.Value);
        }

        var refusal = new Failure(FailureKind.NotFound, "No such key.");
        house.Service.Answer = _ => refusal;
        Assert.Equal(
            refusal, (await house.Client.AskAsync(house.Peer, pairs[0].Question, TransferHouse.Stop)).Failure);
    }

    [Fact]
    public async Task A_node_with_several_addresses_is_asked_over_all_of_them()
    {
        await using var house = new TransferHouse(
            asks: options => options with { Connections = 3 },
            answers: options => options with { Listen = [new("127.0.0.1", 0), new("127.0.0.2", 0), new("::1", 0)] });
        var flights = Enumerable.Range(0, 3).Select(_ => house.Service.Flight(house.ChunkOf(2))).ToArray();
        var next = 0;
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(flights[Interlocked.Increment(ref next) - 1]);
        var fetches = flights.Select(_ => house.FetchAsync(TransferHouse.RequestOf(2))).ToArray();
        await Thaw.Testing.Eventually.HoldsAsync(
            "three connections", () => new(house.Server.Connections == 3), () => $"{house.Server.Connections}",
            TransferHouse.Limit, TransferHouse.Stop);
        foreach (var flight in flights)
            flight.MakeReady(4);
        Assert.All(await Task.WhenAll(fetches), got => Assert.Equal(PeerEnd.Complete, got.End.End));
    }
}
