using System.Security.Cryptography;
using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// The receiving half of a connection from another node: bytes to messages, who it is, what it asks. Owned by the
/// polling thread. What cannot be a message ends the connection.
/// </summary>
internal sealed class ServerIntake(ServerConnection connection, PeerServer server)
{
    private const int FirstBytes = 4096;

    /// <summary>Bytes that are read of one connection before the next one has its turn.</summary>
    private const int TurnBytes = 256 << 10;

    private byte[] _buffer = new byte[FirstBytes];
    private int _filled;
    private byte[]? _firstHead;
    private byte[]? _secondHead;

    /// <summary>Whether the peer has proved that it belongs here.</summary>
    public bool IsProved { get; private set; }

    /// <summary>When the connection, or its last message, came.</summary>
    public long LastHeard { get; private set; } = Environment.TickCount64;

    /// <summary>Reads what is there; false when the connection must end.</summary>
    public bool ReadNow()
    {
        for (var turn = 0; turn < TurnBytes;)
        {
            if (_filled == _buffer.Length)
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            var received = connection.Socket.Receive(_buffer.AsSpan(_filled), waitAll: false);
            if (received < 0)
                return received == PeerSocket.Later;
            _filled += received;
            turn += received;
            if (!TryHandleAll())
                return false;
        }

        return true;
    }

    private bool TryHandleAll()
    {
        var done = 0;
        while (_filled - done >= MessageHeader.Bytes)
        {
            var rest = _buffer.AsSpan(done, _filled - done);
            if (!MessageHeader.TryRead(rest, out var header))
                return false;
            var length = MessageHeader.Bytes + header.HeadBytes + header.PayloadBytes;
            // Strangers get no memory.
            if (!IsProved && length > Limits.PeerHeadBytes)
                return false;
            if (rest.Length < length)
            {
                if (_buffer.Length < length)
                    Array.Resize(ref _buffer, length);
                break;
            }

            var head = rest.Slice(MessageHeader.Bytes, header.HeadBytes);
            if (!MessageHeader.Check(rest[..(MessageHeader.Bytes + header.HeadBytes)])
                || !TryHandle(header, head, rest[(MessageHeader.Bytes + header.HeadBytes)..length]))
                return false;
            done += length;
            LastHeard = Environment.TickCount64;
        }

        _filled -= done;
        _buffer.AsSpan(done, _filled).CopyTo(_buffer);
        if (_filled == 0 && _buffer.Length > Limits.PeerHeadBytes)
            _buffer = new byte[FirstBytes];
        return true;
    }

    private bool TryHandle(MessageHeader header, ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload)
    {
        if (_firstHead is null)
            return header.Type == MessageType.Hello && TryGreet(head);
        if (!IsProved)
            return header.Type == MessageType.Proof && TryProve(head);
        switch (header.Type)
        {
            case MessageType.Request:
                return RequestCodec.TryRead(head) is { } wanted
                    ? server.TryStart(connection, new ChunkReply(header.Request, wanted, server))
                    : server.Refuse(connection, header.Request, new Failure(
                        FailureKind.InvalidRequest, "No version has such blocks; ask for blocks of a chunk."));
            case MessageType.Question:
                return QuestionCodec.TryRead(head, payload) is { } question
                    ? server.TryStart(connection, header.Request, question)
                    : server.Refuse(connection, header.Request, new Failure(
                        FailureKind.NotImplemented, "This node does not know such a question; ask another one.",
                        RetryAdvice.Elsewhere));
            case MessageType.Cancel:
                connection.Cancel(header.Request);
                return true;
            default:
                return true;
        }
    }

    private bool TryGreet(ReadOnlySpan<byte> head)
    {
        if (Hello.TryRead(head) is not { } hello)
            return false;
        if (hello.Oldest > Hello.Protocol || hello.Newest < Hello.Protocol)
            return Refuse(FailureKind.NotImplemented,
                $"{server.Node} speaks protocol {Hello.Protocol}; update the older of the two nodes.");
        if (hello.Cluster != server.Options.Cluster)
            return Refuse(FailureKind.NotAllowed,
                $"{server.Node} belongs to another cluster; compare cluster.name on both nodes.");
        if (hello.Asked.Length > 0 && hello.Asked != server.Node)
            return Refuse(FailureKind.NotFound,
                $"This is {server.Node}, not {hello.Asked}; compare the addresses in the cluster's list.");
        connection.Node = hello.Node;
        _firstHead = head.ToArray();
        var mine = Hello.Of(server.Options.Cluster, server.Node, server.Snapshot) with { Newest = Hello.Protocol };
        _secondHead = mine.ToHead();
        return SendWhole(MessageHeader.Compose(MessageType.Hello, 0, _secondHead))
            && SendWhole(MessageHeader.Compose(MessageType.Proof, 0, Prove(asks: false)));
    }

    private bool TryProve(ReadOnlySpan<byte> head)
    {
        if (head.Length < SHA256.HashSizeInBytes
            || !CryptographicOperations.FixedTimeEquals(head[..SHA256.HashSizeInBytes], Prove(asks: true)))
            return Refuse(FailureKind.AccessDenied,
                $"{server.Node} has another cluster secret; compare cluster.secretFile on both nodes.");
        IsProved = true;
        server.Proved(connection.Node);
        return true;
    }

    private byte[] Prove(bool asks) => Hello.Prove(server.Options.Secret.Span, asks, _firstHead, _secondHead);

    private bool Refuse(FailureKind kind, string message)
    {
        server.Refused(connection.Node, message);
        SendWhole(MessageHeader.Compose(MessageType.Refuse, 0, FailureCodec.Write(new Failure(kind, message))));
        return false;
    }

    // Nothing else was sent yet, so a few hundred bytes find room.
    private bool SendWhole(byte[] message) => connection.Socket.Send(message, isMoreComing: false) == message.Length;
}
