using System.Security.Cryptography;
using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Checksums;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>
/// A connection to another node, with a thread of its own that connects, says who it is, and receives into the memory
/// of whoever asked. It lives while something is asked and a little longer.
/// <para>Any thread submits and cancels; only the own thread writes to fetches' memory and ends what it is in the
/// middle of. Everything that is pending when it ends goes to the link, exactly once.</para>
/// </summary>
internal sealed class ClientConnection
{
    /// <summary>Received and checked at once: what the second-level cache of a core still holds.</summary>
    private const int PieceBytes = 4 * Geometry.BlockBytes;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, Pending> _pending = [];
    private readonly PeerLink _link;
    private readonly NodeAddress _address;
    private readonly Thread _thread;
    private PeerSocket? _socket;
    private ClientReceiver? _receiver;
    private Pending? _active;
    private uint _lastNumber;
    private bool _isReady;
    private bool _isClosed;
    private bool _isShut;
    private Failure? _failure;

    public ClientConnection(PeerLink link, NodeAddress address)
    {
        (_link, _address) = (link, address);
        _thread = new Thread(Run, 256 << 10) { IsBackground = true, Name = $"peer {link.Node}" };
    }

    /// <summary>What is asked on it.</summary>
    public int Load => Volatile.Read(ref _load);

    private int _load;

    /// <summary>When bytes last came, in milliseconds; 0: never.</summary>
    public long LastHeard => Volatile.Read(ref _lastHeard);

    private long _lastHeard;

    public void Start() => _thread.Start();

    public void Join() => _thread.Join();

    /// <summary>Asks; false when the connection is over or has enough to do.</summary>
    public bool TrySubmit(Pending pending)
    {
        lock (_gate)
        {
            if (_isClosed || _pending.Count >= Limits.PeerRequests)
                return false;
            do
                pending.Number = ++_lastNumber;
            while (_lastNumber == 0 || _pending.ContainsKey(_lastNumber));
            if (_pending.Count == 0)
                _receiver?.Restart();
            _pending.Add(pending.Number, pending);
            _load = _pending.Count;
            pending.Connection = this;
            if (_isReady)
                Ask(pending);
        }

        // Cancelled before it had a connection to be cancelled on.
        if (pending.IsCancelRequested)
            Cancel(pending);
        return true;
    }

    /// <summary>Ends what is asked, unless its bytes are just coming: then the receiving thread does.</summary>
    public void Cancel(Pending pending)
    {
        lock (_gate)
        {
            if (_active == pending || !_pending.TryGetValue(pending.Number, out var known) || known != pending)
                return;
            Remove(pending);
            if (_isReady)
                Send(MessageHeader.Compose(MessageType.Cancel, pending.Number, []));
        }

        pending.Cancelled();
    }

    /// <summary>Ends the connection from outside.</summary>
    public void Shut()
    {
        lock (_gate)
        {
            _isShut = true;
            _socket?.Shut();
        }
    }

    private void Run()
    {
        var end = ConnectionEnd.Broken;
        try
        {
            end = Connect() ?? Greet() ?? Receive();
        }
        catch (Exception error)
        {
            _link.Broke(error);
        }

        Pending[] left;
        lock (_gate)
        {
            _isClosed = true;
            // One that never got so far is as good as nobody at the address.
            if (end == ConnectionEnd.Broken && !_isReady)
                end = ConnectionEnd.Unreachable;
            left = [.. _pending.Values];
            _pending.Clear();
            _load = 0;
        }

        _socket?.Dispose();
        _link.Ended(this, end, left, _failure);
    }

    private ConnectionEnd? Connect()
    {
        try
        {
            var socket = PeerSocket.Connect(_address, Limits.PeerSilence, Limits.PeerTick, _link.Options.Sockets);
            lock (_gate)
            {
                _socket = socket;
                _receiver = new ClientReceiver(socket, () => Load > 0, Heard);
                if (_isShut)
                    socket.Shut();
            }

            return null;
        }
        catch (IOException error)
        {
            _failure = new Failure(
                FailureKind.Busy, $"{_link.Node} at {_address} cannot be reached ({error.Message}); is it running?",
                RetryAdvice.Elsewhere);
            return ConnectionEnd.Unreachable;
        }
    }

    private ConnectionEnd? Greet()
    {
        var (socket, receiver, options) = (_socket!, _receiver!, _link.Options);
        var mine = Hello.Of(options.Cluster, options.Node, _link.Snapshot, _link.Node).ToHead();
        if (!TrySend(socket, MessageHeader.Compose(MessageType.Hello, 0, mine)))
            return ConnectionEnd.Broken;
        if (receiver.ReadMessage() is { } end)
            return end;
        if (receiver.Header.Type == MessageType.Refuse)
            return Refused(FailureCodec.TryRead(receiver.Head));
        var theirs = receiver.Head.ToArray();
        if (receiver.Header.Type != MessageType.Hello || Hello.TryRead(theirs) is not { } hello)
            return ConnectionEnd.Broken;
        if (hello.Newest != Hello.Protocol || hello.Node != _link.Node || hello.Cluster != options.Cluster)
            return Refused(new Failure(
                FailureKind.NotAllowed, $"{_address} is not the node {_link.Node} of cluster {options.Cluster}."));
        if (receiver.ReadMessage() is { } early)
            return early;
        var proof = Hello.Prove(options.Secret.Span, asks: false, mine, theirs);
        if (receiver.Header.Type != MessageType.Proof || receiver.Head.Length < proof.Length
            || !CryptographicOperations.FixedTimeEquals(receiver.Head[..proof.Length], proof))
            return Refused(new Failure(
                FailureKind.AccessDenied,
                $"{_link.Node} has another cluster secret; compare cluster.secretFile on both nodes."));
        if (!TrySend(socket, MessageHeader.Compose(
            MessageType.Proof, 0, Hello.Prove(options.Secret.Span, asks: true, mine, theirs))))
            return ConnectionEnd.Broken;
        lock (_gate)
        {
            _isReady = true;
            foreach (var pending in _pending.Values.ToArray())
                Ask(pending);
        }

        return null;
    }

    private ConnectionEnd Refused(Failure? failure)
    {
        _failure = failure;
        return failure is null ? ConnectionEnd.Broken : ConnectionEnd.Refused;
    }

    private ConnectionEnd Receive()
    {
        var receiver = _receiver!;
        while (true)
        {
            if ((receiver.ReadMessage() ?? Handle(receiver)) is { } end)
                return end;
        }
    }

    private ConnectionEnd? Handle(ClientReceiver receiver)
    {
        var header = receiver.Header;
        if (header.Type == MessageType.Blocks)
            return HandleBlocks(receiver);
        if (header.Type == MessageType.Answer)
            return HandleAnswer(receiver);
        if (receiver.Drop(header.PayloadBytes) is { } end)
            return end;
        if (header.Type == MessageType.Refuse)
            return Refused(FailureCodec.TryRead(receiver.Head));
        var isLast = header.Type is MessageType.Redirect or MessageType.NotConfigured or MessageType.Failure;
        if (!isLast && header.Type != MessageType.Waiting)
            return null;
        if (Find(header.Request, isLast) is not { } pending)
            return null;
        switch (header.Type)
        {
            case MessageType.Waiting:
                if (pending is PendingFetch waiting && receiver.Head is [var reason, ..])
                {
                    waiting.Fetch.Sink.Waiting((PeerWait)reason);
                    _link.NoteLoad(LoadHead.TryRead(receiver.Head[1..]));
                }

                return null;
            case MessageType.Failure:
                if (FailureCodec.TryRead(receiver.Head) is { } failure)
                    pending.Fail(PeerEnd.Failed, failure);
                else
                    pending.Fail(PeerEnd.Failed, Unreadable());
                return null;
            case MessageType.Redirect when pending is PendingFetch fetch:
                fetch.Complete(PeerEnd.Redirected, node: System.Text.Encoding.UTF8.GetString(receiver.Head));
                return null;
            default:
                pending.Fail(PeerEnd.NotConfigured, new Failure(
                    FailureKind.MountNotFound, $"{_link.Node} has no mount of that origin.", RetryAdvice.Elsewhere));
                return null;
        }
    }

    private ConnectionEnd? HandleAnswer(ClientReceiver receiver)
    {
        var payload = new byte[receiver.Header.PayloadBytes];
        if (receiver.Fill(payload) is { } end)
            return end;
        if (Find(receiver.Header.Request, isLast: true) is not PendingQuestion question)
            return null;
        if (AnswerCodec.TryRead(receiver.Head, payload) is { } answer)
            question.Complete(answer);
        else
            question.Fail(PeerEnd.Failed, Unreadable());
        return null;
    }

    private ConnectionEnd? HandleBlocks(ClientReceiver receiver)
    {
        var (first, count) = BlocksHead.Read(receiver.Head);
        var bytes = receiver.Header.PayloadBytes;
        PendingFetch? fetch;
        lock (_gate)
        {
            fetch = _pending.GetValueOrDefault(receiver.Header.Request) as PendingFetch;
            _active = fetch;
        }

        if (fetch is null)
            return receiver.Drop(bytes);
        var request = fetch.Request;
        var (start, end) = (first * Geometry.BlockBytes, Math.Min(
            (first + count) * Geometry.BlockBytes, request.ChunkLength));
        if (count == 0 || first != fetch.NextBlock || first + count > request.EndBlock || bytes != end - start)
            return Broken();
        _link.NoteLoad(BlocksHead.LoadOf(receiver.Head, count));
        var isGood = true;
        for (var at = start; at < end;)
        {
            if (!isGood || fetch.IsCancelRequested)
            {
                if (receiver.Drop(end - at) is { } dropped)
                    return Leave(dropped);
                break;
            }

            var piece = Math.Min(PieceBytes, end - at);
            if (receiver.Some(fetch.Fetch.Destination.Span.Slice(at, piece), out var received) is { } broken)
                return Leave(broken);
            at += received;
            isGood = CheckBlocks(fetch, receiver.Head, first, at);
            _link.AddReceived(received);
        }

        BlocksReceived(fetch, isGood);
        return null;
    }

    /// <summary>Checks and hands on every block that is whole up to an offset.</summary>
    private static bool CheckBlocks(PendingFetch fetch, ReadOnlySpan<byte> head, int first, int end)
    {
        var (request, block) = (fetch.Request, fetch.NextBlock);
        while (block * Geometry.BlockBytes < end)
        {
            var length = Geometry.BlockLength(request.ChunkLength, block);
            if (block * Geometry.BlockBytes + length > end)
                break;
            var crc = Crc32C.Compute(fetch.Fetch.Destination.Span.Slice(block * Geometry.BlockBytes, length));
            if (crc != BlocksHead.CrcOf(head, block - first)
                || (fetch.Fetch.ExpectedCrcs is { } expected && expected[block] != crc))
                return false;
            fetch.NextBlock = ++block;
            fetch.Fetch.Sink.BlockChecked(block - 1, crc);
        }

        return true;
    }

    private void BlocksReceived(PendingFetch fetch, bool isGood)
    {
        bool isOver;
        lock (_gate)
        {
            _active = null;
            var isWhole = fetch.NextBlock == fetch.Request.EndBlock;
            isOver = isWhole || !isGood || fetch.IsCancelRequested;
            if (isOver)
                Remove(fetch);
            if (isOver && !isWhole)
                Send(MessageHeader.Compose(MessageType.Cancel, fetch.Number, []));
        }

        if (!isOver)
            return;
        if (!isGood)
        {
            _link.CountCorrupt();
            fetch.Complete(PeerEnd.Corrupt, new Failure(
                FailureKind.Corrupt,
                $"Block {fetch.NextBlock} of chunk {fetch.Request.Chunk} from {_link.Node} is not what it must be.",
                RetryAdvice.Elsewhere));
        }
        else if (fetch.NextBlock == fetch.Request.EndBlock)
        {
            fetch.Complete(PeerEnd.Complete);
        }
        else
        {
            fetch.Cancelled();
        }
    }

    private ConnectionEnd Broken() => Leave(ConnectionEnd.Broken);

    private ConnectionEnd Leave(ConnectionEnd end)
    {
        lock (_gate)
            _active = null;
        return end;
    }

    private Pending? Find(uint number, bool isLast)
    {
        lock (_gate)
        {
            var pending = _pending.GetValueOrDefault(number);
            if (isLast && pending is not null)
                Remove(pending);
            return pending;
        }
    }

    private Failure Unreadable() => new(
        FailureKind.NotImplemented, $"{_link.Node} answers in a way that this node does not know.",
        RetryAdvice.Elsewhere);

    private void Heard() => Volatile.Write(ref _lastHeard, Environment.TickCount64);

    // Under the gate.
    private void Remove(Pending pending)
    {
        _pending.Remove(pending.Number);
        _load = _pending.Count;
    }

    // Under the gate; sending never blocks.
    private void Ask(Pending pending)
    {
        if (pending.ToMessage() is { } message)
        {
            Send(message);
            return;
        }

        Remove(pending);
        pending.Fail(PeerEnd.Failed, new Failure(
            FailureKind.InvalidRequest, "A question to another node is too large; ask for less at once."));
    }

    private void Send(byte[] message)
    {
        if (!TrySend(_socket!, message))
            _socket!.Shut();
    }

    /// <summary>
    /// Hands a message to the kernel, which has room for all that may be asked at once: a peer that leaves it no room
    /// reads nothing any more.
    /// </summary>
    private static bool TrySend(PeerSocket socket, ReadOnlySpan<byte> message)
    {
        while (!message.IsEmpty)
        {
            var sent = socket.Send(message, isMoreComing: false);
            if (sent == PeerSocket.Later && socket.WaitToSend(Limits.PeerTick))
                continue;
            if (sent <= 0)
                return false;
            message = message[sent..];
        }

        return true;
    }
}
