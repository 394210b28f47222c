using System.Buffers.Binary;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Xunit;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>Peers that lie, stall, vanish, belong elsewhere or speak nonsense.</summary>
public sealed class BadPeerTests
{
    [Fact]
    public async Task A_flipped_bit_on_the_other_node_s_disk_is_found_and_the_blocks_before_it_stay()
    {
        await using var house = new TransferHouse();
        var bad = house.Bytes[5 * Geometry.BlockBytes + 9];
        RandomAccess.Write(house.Data, [(byte)(bad ^ 4)], 5 * Geometry.BlockBytes + 9);
        var (end, sink) = await house.FetchAsync(TransferHouse.RequestOf(0));
        Assert.Equal((PeerEnd.Corrupt, 5), (end.End, end.NextBlock));
        Assert.Equal((FailureKind.Corrupt, RetryAdvice.Elsewhere), (end.Failure?.Kind, end.Failure?.Retry));
        Assert.Equal(5, sink.Blocks.Length);
        Assert.Equal(1, house.Client.Corrupt);
        await house.AssertFetchesAsync(1);
    }

    [Fact]
    public async Task A_consistent_lie_is_found_with_the_home_s_list()
    {
        await using var house = new TransferHouse();
        var expected = house.CrcsOf(0);
        expected[3]++;
        var (end, sink) = await house.FetchAsync(TransferHouse.RequestOf(0), expected: expected);
        Assert.Equal((PeerEnd.Corrupt, 3), (end.End, end.NextBlock));
        Assert.DoesNotContain(sink.Blocks, block => block.Block >= 3);
    }

    [Fact]
    public async Task A_file_that_is_shorter_than_its_map_says_ends_the_connection_and_not_the_node()
    {
        await using var house = new TransferHouse();
        RandomAccess.SetLength(house.Data, 3 * Geometry.BlockBytes);
        var (end, _) = await house.FetchAsync(TransferHouse.RequestOf(0));
        Assert.Equal((PeerEnd.Silent, 3), (end.End, end.NextBlock));
        RandomAccess.Write(house.Data, house.Bytes, 0);
        await house.AssertFetchesAsync(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_secret_is_refused_by_both_sides(bool isAsked)
    {
        await using var house = new TransferHouse(
            asks: options => isAsked ? options with { Secret = "other"u8.ToArray() } : options);
        if (isAsked)
        {
            var (end, _) = await house.FetchAsync(TransferHouse.RequestOf(0));
            Assert.Equal((PeerEnd.Failed, FailureKind.AccessDenied), (end.End, end.Failure?.Kind));
        }
        else
        {
            using var raw = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
            await raw.GreetAsync(secret: "other"u8.ToArray());
            await AssertRefusedAsync(raw, FailureKind.AccessDenied);
        }

        Assert.Empty(house.Service.Asked);
    }

    [Fact]
    public async Task Another_cluster_another_node_and_another_protocol_are_refused()
    {
        await using var house = new TransferHouse();
        var hello = RawPeer.HelloOf("asks");
        (Hello Hello, FailureKind Kind)[] cases =
        [
            (hello with { Cluster = "other" }, FailureKind.NotAllowed),
            (hello with { Asked = "somebody" }, FailureKind.NotFound),
            (hello with { Oldest = 2, Newest = 3 }, FailureKind.NotImplemented),
        ];
        foreach (var (wrong, kind) in cases)
        {
            using var raw = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
            await raw.SendAsync(MessageHeader.Compose(MessageType.Hello, 0, wrong.ToHead()));
            await AssertRefusedAsync(raw, kind);
        }

        // A newer node that still speaks ours is welcome.
        using var newer = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
        await newer.GreetAsync(hello with { Oldest = 1, Newest = 9 });
        await newer.SendAsync(MessageHeader.Compose(
            MessageType.Request, 1, RequestCodec.Write(TransferHouse.RequestOf(2))));
        Assert.Equal(MessageType.Blocks, (await newer.ReadAsync()).Header.Type);
    }

    [Fact]
    public async Task What_a_newer_node_says_beyond_this_protocol_is_skipped()
    {
        await using var house = new TransferHouse();
        using var newer = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
        await newer.GreetAsync();
        var unknown = new byte[MessageHeader.Bytes + 3 + 5];
        MessageHeader.Write(unknown.AsSpan(0, MessageHeader.Bytes + 3), (MessageType)99, 4, 5);
        await newer.SendAsync(unknown);
        byte[] head = [.. RequestCodec.Write(TransferHouse.RequestOf(2)), 200, 1, 0, 0, 0, 42];
        await newer.SendAsync(MessageHeader.Compose(MessageType.Request, 5, head));
        var (header, _, _) = await newer.ReadAsync();
        Assert.Equal((MessageType.Blocks, 5u), (header.Type, header.Request));

        // The other way round: a node that answers with more than this one knows.
        var (listener, member) = RawPeer.Listen();
        using var _ = listener;
        house.Peer = member;
        var fetch = house.FetchAsync(TransferHouse.RequestOf(2));
        using var answers = await RawPeer.AcceptAsync(listener);
        await answers.WelcomeAsync();
        await answers.SendAsync(unknown);
        var (request, _, _) = await answers.ReadAsync();
        var frame = new byte[BlocksHead.MessageBytesMost];
        var crcs = house.CrcsOf(2);
        var length = BlocksHead.Write(frame, request.Request, 0, crcs, TransferHouse.LastBytes, default);
        byte[] longer = [.. frame.AsSpan(0, length), 7, 7];
        MessageHeader.Write(longer, MessageType.Blocks, request.Request, TransferHouse.LastBytes);
        await answers.SendAsync(longer);
        await answers.SendAsync(house.ChunkOf(2));
        Assert.Equal(PeerEnd.Complete, (await fetch).End.End);
    }

    [Fact]
    public async Task A_node_that_says_nothing_for_a_second_is_suspect_and_everything_asked_of_it_ends()
    {
        await using var house = new TransferHouse();
        var (listener, member) = RawPeer.Listen();
        using var _ = listener;
        var answers = house.Peer;
        house.Peer = member;
        var fetches = Enumerable.Range(0, 3)
            .Select(chunk => house.FetchAsync(TransferHouse.RequestOf(chunk))).ToArray();
        using (var silent = await RawPeer.AcceptAsync(listener))
        {
            await silent.WelcomeAsync();
            Assert.All(await Task.WhenAll(fetches), got => Assert.Equal(PeerEnd.Silent, got.End.End));
            Assert.Equal(1, house.Client.Verdicts);
            Assert.True(house.Client.IsSuspect("answers"));
            Assert.Equal(PeerEnd.Silent, (await house.FetchAsync(TransferHouse.RequestOf(0))).End.End);
        }

        await Thaw.Testing.Eventually.HoldsAsync(
            "it may be asked again", () => new(!house.Client.IsSuspect("answers")), () => "still suspect",
            TransferHouse.Limit, TransferHouse.Stop);
        house.Peer = answers;
        await house.AssertFetchesAsync(0);
    }

    [Fact]
    public async Task A_node_that_vanishes_in_the_middle_ends_what_is_asked_and_its_blocks_so_far_stay()
    {
        await using var house = new TransferHouse();
        var flight = house.Service.Flight(house.ChunkOf(2));
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(flight);
        flight.MakeReady(2);
        var sink = new SampleSink(TransferHouse.LastBytes);
        var fetch = house.FetchAsync(TransferHouse.RequestOf(2), sink);
        await sink.UntilAsync(told => told.Blocks.Length == 2);
        await house.Server.DisposeAsync();
        var (end, _) = await fetch;
        Assert.Equal((PeerEnd.Silent, 2), (end.End, end.NextBlock));
        Assert.True(house.Client.IsSuspect("answers"));
    }

    [Fact]
    public async Task Nobody_at_the_address_is_a_verdict_too()
    {
        await using var house = new TransferHouse();
        var (listener, member) = RawPeer.Listen();
        listener.Dispose();
        house.Peer = member;
        Assert.Equal(PeerEnd.Silent, (await house.FetchAsync(TransferHouse.RequestOf(0))).End.End);
    }

    [Fact]
    public async Task Nonsense_ends_its_own_connection_and_nothing_else()
    {
        await using var house = new TransferHouse();
        var random = new Random(11);
        for (var round = 0; round < 60; round++)
        {
            using var raw = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
            if (round % 2 == 0)
                await raw.GreetAsync();
            var bytes = new byte[random.Next(16, 4000)];
            random.NextBytes(bytes);
            if (round % 3 == 0)
            {
                // A good header in front of nonsense, with the largest payload or one byte more.
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), MessageHeader.PayloadMost + round % 4 / 2);
                bytes[0] = (byte)MessageType.Question;
            }

            try
            {
                await raw.SendAsync(bytes);
            }
            catch (System.Net.Sockets.SocketException)
            {
                continue; // it has been closed already
            }
        }

        await house.AssertFetchesAsync(0);
    }

    [Fact]
    public async Task A_request_that_cannot_be_is_refused_and_a_number_that_is_taken_ends_the_connection()
    {
        await using var house = new TransferHouse();
        using var raw = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
        await raw.GreetAsync();
        var far = TransferHouse.RequestOf(0) with { Chunk = 99 };
        await raw.SendAsync(MessageHeader.Compose(MessageType.Request, 1, RequestCodec.Write(far)));
        var (header, head, _) = await raw.ReadAsync();
        Assert.Equal((MessageType.Failure, 1u), (header.Type, header.Request));
        Assert.Equal(FailureKind.InvalidRequest, FailureCodec.TryRead(head)?.Kind);
        house.Service.Open = (_, _) => new ValueTask<PeerSupply>(house.Service.Flight(house.ChunkOf(2)));
        var twice = MessageHeader.Compose(MessageType.Request, 2, RequestCodec.Write(TransferHouse.RequestOf(2)));
        await raw.SendAsync(twice);
        await raw.SendAsync(twice);
        await raw.UntilClosedAsync();
    }

    [Fact]
    public async Task A_peer_that_reads_nothing_holds_no_thread_and_nobody_else_waits_for_it()
    {
        await using var house = new TransferHouse();
        var lazy = new List<RawPeer>();
        for (var peer = 0; peer < 2 * Thaw.Core.Limits.PeerSenders; peer++)
        {
            var raw = await RawPeer.ConnectAsync(house.Server.Addresses[0]);
            lazy.Add(raw);
            await raw.GreetAsync();
            for (uint request = 1; request < 9; request++)
                await raw.SendAsync(MessageHeader.Compose(
                    MessageType.Request, request, RequestCodec.Write(TransferHouse.RequestOf(0))));
        }

        for (var round = 0; round < 10; round++)
            await house.AssertFetchesAsync(round % 3);
        Assert.True(house.Server.QueuedBytes > 0, "everybody was served");
        lazy.ForEach(raw => raw.Dispose());
    }

    private static async Task AssertRefusedAsync(RawPeer raw, FailureKind kind)
    {
        var (header, head, _) = await raw.ReadAsync();
        Assert.Equal(MessageType.Refuse, header.Type);
        Assert.Equal(kind, FailureCodec.TryRead(head)?.Kind);
        await raw.UntilClosedAsync();
    }
}
