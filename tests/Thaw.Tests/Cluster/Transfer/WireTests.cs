using System.Buffers.Binary;
using System.Collections.Immutable;
using CsCheck;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>Bytes of every message, round trips, and bytes that are none.</summary>
public sealed class WireTests
{
    private static readonly PeerPlace Place = new("s3://b", "k");

    private static readonly PeerRequest Request = new()
    {
        Id = WireSamples.Version.Id,
        SizeBytes = 0x1234567890,
        Chunk = 5,
        FirstBlock = 3,
        BlockCount = 4,
        Priority = PeerPriority.Background,
        Patience = TimeSpan.FromSeconds(2),
        IsOnlyHeld = true,
        IsFinal = true,
        Place = Place,
        Version = WireSamples.Version,
        Cause = OriginCause.Retry,
    };

    private static readonly ChunkBits Bits = new(8, [0x55]);

    /// <summary>A change of these bytes is a change of the protocol, which other nodes speak too.</summary>
    [Fact]
    public void Messages_have_the_bytes_of_protocol_1() => Assert.Equal(
        File.ReadAllLines(Path.Combine(Places.Root, "tests/Thaw.Tests/Cluster/Transfer/golden-1.txt")),
        Messages.Select(message => $"{message.Key}={Convert.ToHexStringLower(message.Value)}"));

    private static SortedDictionary<string, byte[]> Messages => new(StringComparer.Ordinal)
    {
        ["answer done"] = AnswerCodec.Write(new DoneAnswer(), 1)!,
        ["answer crcs"] = AnswerCodec.Write(new BlockCrcsAnswer([new ChunkCrcs(2, [1, 0xffffffff])]), 2)!,
        ["answer holders"] = AnswerCodec.Write(new HoldersAnswer([new PeerHolding("n", Bits)]), 3)!,
        ["answer list"] = AnswerCodec.Write(new ListAnswer(WireSamples.Page), 4)!,
        ["answer version"] = AnswerCodec.Write(new VersionAnswer(WireSamples.Version), 5)!,
        ["blocks"] = Blocks(6, 7, [1, 2], 300),
        ["cancel"] = MessageHeader.Compose(MessageType.Cancel, 7, []),
        ["failure"] = MessageHeader.Compose(MessageType.Failure, 8, FailureCodec.Write(new Failure(
            FailureKind.Throttled, "Slow.", RetryAdvice.Later, TimeSpan.FromSeconds(1)))),
        ["hello"] = MessageHeader.Compose(MessageType.Hello, 0, new Hello
        {
            Cluster = "c",
            Node = "n",
            Asked = "m",
            SnapshotNumber = 2,
            SnapshotHash = 0x8000000000000003,
            Nonce = new byte[Hello.NonceBytes],
            Software = "0.1.0",
        }.ToHead()),
        ["not configured"] = MessageHeader.Compose(MessageType.NotConfigured, 9, []),
        ["proof"] = MessageHeader.Compose(
            MessageType.Proof, 0, Hello.Prove("secret"u8, asks: true, "first"u8, "second"u8)),
        ["question bad"] = QuestionCodec.Write(new BadBlocksQuestion(Request.Id, 3, 0x80000001), 10)!,
        ["question crcs"] = QuestionCodec.Write(new BlockCrcsQuestion(Place, Request.Id, 1, 2), 11)!,
        ["question have"] = QuestionCodec.Write(
            new HaveQuestion(Place, Request.Id, 9, Bits, [new ChunkCrcs(8, [7])], true), 12)!,
        ["question holders"] = QuestionCodec.Write(new HoldersQuestion(Place, Request.Id), 13)!,
        ["question list"] = QuestionCodec.Write(
            new ListQuestion(Place, new ListRequest(Place.Key, "/", "a", 100)), 14)!,
        ["question resolve"] = QuestionCodec.Write(new ResolveQuestion(Place, true), 15)!,
        ["redirect"] = MessageHeader.Compose(MessageType.Redirect, 16, "node"u8),
        ["request"] = MessageHeader.Compose(MessageType.Request, 17, RequestCodec.Write(Request)),
        ["request least"] = MessageHeader.Compose(MessageType.Request, 18, RequestCodec.Write(
            new PeerRequest { Id = Request.Id, SizeBytes = 1, Chunk = 0 })),
        ["waiting"] = MessageHeader.Compose(MessageType.Waiting, 19, [(byte)PeerWait.Disk]),
    };

    [Fact]
    public void Every_message_is_read_as_it_was_written()
    {
        var read = RequestCodec.TryRead(RequestCodec.Write(Request))!;
        // What only readers see does not travel with each request.
        Assert.Equivalent(
            Request with
            {
                Version = WireSamples.Version with
                {
                    ContentType = null,
                    Metadata = ImmutableSortedDictionary<string, string>.Empty,
                },
            }, read, strict: true);
        var version = ((VersionAnswer)AnswerCodec.TryRead(
            HeadOf("answer version"), PayloadOf("answer version"))!).Version;
        Assert.Equivalent(WireSamples.Version, version, strict: true);
        var blocks = Messages["blocks"];
        Assert.True(MessageHeader.Check(blocks));
        Assert.Equal((7, 2), BlocksHead.Read(blocks.AsSpan(MessageHeader.Bytes)));
        Assert.Equal(new PeerLoad(1 << 20, 5 << 20), BlocksHead.LoadOf(blocks.AsSpan(MessageHeader.Bytes), 2));
        Assert.Equal(2u, BlocksHead.CrcOf(blocks.AsSpan(MessageHeader.Bytes), 1));
    }

    [Fact]
    public void Every_kind_of_failure_is_read_as_it_was_written_and_unknown_ones_are_none_of_them()
    {
        foreach (var kind in Enum.GetValues<FailureKind>())
            foreach (var retry in Enum.GetValues<RetryAdvice>())
            {
                var failure = new Failure(kind, "Sentence ü.", retry, TimeSpan.FromMilliseconds(17));
                Assert.Equal(failure, FailureCodec.TryRead(FailureCodec.Write(failure)));
            }

        foreach (var name in (string[])["Melted", "3", "-1", "", "Busy, Stopping"])
        {
            var unknown = new FieldWriter().Text(1, name).Byte(2, 99).Text(4, "Why.").ToArray();
            Assert.Equal(
                new Failure(FailureKind.Busy, "Why.", RetryAdvice.Elsewhere), FailureCodec.TryRead(unknown));
        }
    }

    [Fact]
    public void Requests_of_any_numbers_are_read_as_they_were_written_or_refused()
    {
        Gen.Select(Gen.Long, Gen.Int, Gen.Int[-1, 40], Gen.Int[-1, 40], Gen.UInt)
            .Sample(
                (size, chunk, first, count, patience) =>
                {
                    var request = new PeerRequest
                    {
                        Id = Request.Id,
                        SizeBytes = size,
                        Chunk = chunk,
                        FirstBlock = first,
                        BlockCount = count,
                        Patience = TimeSpan.FromMilliseconds(patience),
                    };
                    if (request.IsPossible)
                        Assert.Equal(request, RequestCodec.TryRead(RequestCodec.Write(request)));
                    else
                        Assert.Null(RequestCodec.TryRead(RequestCodec.Write(request)));
                },
                iter: 20_000);
    }

    [Fact]
    public void Bytes_that_were_changed_cut_or_made_up_never_throw_and_a_changed_head_never_checks()
    {
        var all = Messages.Values.ToArray();
        var places = Gen.Int[0, 4000];
        Gen.Select(Gen.Int[0, all.Length - 1], places, Gen.Byte[1, 255], Gen.Int[0, 400], Gen.Byte.Array[0, 60])
            .Sample(
                (message, at, flip, cut, noise) =>
                {
                    var bytes = all[message].ToArray();
                    at %= bytes.Length;
                    bytes[at] ^= flip;
                    var headEnd = MessageHeader.Bytes
                        + BinaryPrimitives.ReadUInt16LittleEndian(all[message].AsSpan(2));
                    if (at < headEnd && at is not (2 or 3))
                        Assert.False(MessageHeader.Check(bytes.AsSpan(0, headEnd)));
                    ReadAll(bytes.AsSpan(Math.Min(cut, bytes.Length)));
                    ReadAll(noise);
                },
                iter: 20_000);
    }

    private static void ReadAll(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= MessageHeader.Bytes)
            MessageHeader.TryRead(bytes, out _);
        Hello.TryRead(bytes);
        FailureCodec.TryRead(bytes);
        RequestCodec.TryRead(bytes);
        BlocksHead.Read(bytes);
        // With a head that fits, so that the fields are reached.
        Span<byte> head = stackalloc byte[BodyCodec.HeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Thaw.Core.Checksums.Crc32C.Compute(bytes));
        for (byte kind = 0; kind < 8; kind++)
        {
            head[0] = kind;
            QuestionCodec.TryRead(head, bytes);
            AnswerCodec.TryRead(head, bytes);
        }
    }

    private static byte[] Blocks(uint request, int first, uint[] crcs, int payload)
    {
        var buffer = new byte[BlocksHead.MessageBytesMost];
        return buffer[..BlocksHead.Write(buffer, request, first, crcs, payload, new PeerLoad(1 << 20, 5 << 20))];
    }

    private static ReadOnlySpan<byte> HeadOf(string name) =>
        Messages[name].AsSpan(MessageHeader.Bytes, BodyCodec.HeadBytes);

    private static ReadOnlySpan<byte> PayloadOf(string name) =>
        Messages[name].AsSpan(MessageHeader.Bytes + BodyCodec.HeadBytes);
}
