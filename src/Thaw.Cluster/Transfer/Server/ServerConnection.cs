using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// The sending half of a connection from another node: its open requests and what is ready to be sent of them.
/// <para>States: idle; queued (it has a place in the queue of senders); busy (one thread sends); parked (in the middle
/// of a frame, waiting for room). At most one thread is in a turn, and only it or whoever finds the connection parked
/// or idle touches the present frame.</para>
/// <para>Any thread enqueues and closes. Closing ends what nobody owns; the other owners end theirs when they come
/// back.</para>
/// </summary>
internal sealed class ServerConnection(long key, PeerSocket socket, PeerServer server)
{
    /// <summary>Messages, and the four priorities of blocks.</summary>
    public const int Priorities = 5;

    private const int NotQueued = Priorities;

    /// <summary>Signs of life at once: one would do for the connection, a few tell readers why they wait.</summary>
    private const int WaitingMost = 8;

    private readonly Lock _gate = new();
    private readonly Queue<Reply>[] _ready = [.. Enumerable.Range(0, Priorities).Select(_ => new Queue<Reply>())];
    private readonly Reply?[] _first = new Reply?[Priorities];
    private readonly Dictionary<uint, Reply> _open = [];
    private readonly byte[] _head = new byte[BlocksHead.MessageBytesMost];
    private readonly CancellationTokenSource _closing = new();
    private Reply? _current;
    private int _headLength;
    private int _headSent;
    private int _queuedAt = NotQueued;
    private bool _isBusy;
    private bool _isParked;
    private bool _isClosed;
    private long _lastSent = Environment.TickCount64;

    public long Key { get; } = key;

    public PeerSocket Socket { get; } = socket;

    /// <summary>The node at the other end, once it has proved that it is one.</summary>
    public string Node { get; set; } = "";

    /// <summary>Cancelled when the connection ends.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>Requests and questions that are not answered.</summary>
    public int Open
    {
        get
        {
            lock (_gate)
                return _open.Count;
        }
    }

    /// <summary>When bytes last went out, in milliseconds.</summary>
    public long LastSent => Volatile.Read(ref _lastSent);

    /// <summary>Enters a request or question; false when the number is taken or the connection is over.</summary>
    public bool TryOpen(Reply reply)
    {
        lock (_gate)
            return !_isClosed && _open.TryAdd(reply.Request, reply);
    }

    /// <summary>The asking node does not want it any more.</summary>
    public void Cancel(uint request)
    {
        Reply? reply;
        lock (_gate)
            _open.TryGetValue(request, out reply);
        reply?.Cancel();
    }

    /// <summary>Hands a reply over to be sent; on a closed connection it ends at once.</summary>
    public void Enqueue(Reply reply)
    {
        server.Account(reply, reply.ReadyBytes);
        bool isFlooded;
        lock (_gate)
        {
            // A peer that asks on and on and reads no answers.
            isFlooded = _ready[0].Count > 2 * Limits.PeerRequests;
            if (!_isClosed && !isFlooded)
            {
                _ready[reply.Priority].Enqueue(reply);
                Requeue();
                return;
            }
        }

        End(reply);
        if (isFlooded)
            Close();
    }

    /// <summary>Ends a reply: its supply goes back, its number is free. By its owner.</summary>
    public void End(Reply reply)
    {
        bool wasOpen;
        lock (_gate)
            wasOpen = reply.Request != 0 && _open.Remove(reply.Request);
        server.Account(reply, 0);
        reply.End();
        if (wasOpen)
            server.RequestEnded();
    }

    /// <summary>Sends one frame, or a part of one if the peer's window is full. On a sending thread.</summary>
    public void TakeTurn(int priority)
    {
        lock (_gate)
        {
            if (_isBusy || _queuedAt != priority)
                return;
            (_queuedAt, _isBusy) = (NotQueued, true);
        }

        var isThere = true;
        var isWhole = false;
        if (_current is not null || TryTakeNext())
        {
            isThere = TrySend(out isWhole);
            if (isThere && isWhole)
                FrameSent();
        }
        else
        {
            isWhole = true;
        }

        EndTurn(isThere, isWhole);
    }

    /// <summary>There is room again. On the polling thread.</summary>
    public void Resume()
    {
        server.WatchForRoom(this, false);
        lock (_gate)
        {
            if (!_isParked)
                return;
            (_isParked, _isBusy) = (false, false);
            Requeue();
        }
    }

    /// <summary>Tells the peer that this node is alive, where it has heard nothing for a while.</summary>
    /// <returns>False when the peer has taken nothing for too long.</returns>
    public bool Tick(long now)
    {
        if (now - LastSent < (long)Limits.PeerWaiting.TotalMilliseconds)
            return true;
        var waiting = new List<(uint Request, PeerWait Reason)>();
        lock (_gate)
        {
            if (_isParked)
                return now - LastSent < (long)Limits.PeerTakes.TotalMilliseconds;
            if (_isBusy || _isClosed || _current is not null || _ready[0].Count > 0)
                return true;
            foreach (var (request, reply) in _open)
            {
                if (waiting.Count == WaitingMost)
                    break;
                waiting.Add((request, reply.Reason));
            }
        }

        foreach (var (request, reason) in waiting)
        {
            var head = new byte[1 + LoadHead.Bytes];
            head[0] = (byte)reason;
            LoadHead.Write(head.AsSpan(1), server.Load);
            Enqueue(new MessageReply(MessageHeader.Compose(MessageType.Waiting, request, head)));
        }

        return true;
    }

    /// <summary>Ends the connection and everything on it that nobody owns just now.</summary>
    public void Close()
    {
        var orphans = new List<Reply>();
        Reply[] open;
        bool isIdle;
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            open = [.. _open.Values];
            for (var priority = 0; priority < Priorities; priority++)
            {
                orphans.AddRange(_ready[priority]);
                _ready[priority].Clear();
                if (_first[priority] is { } first)
                    orphans.Add(first);
                _first[priority] = null;
            }

            isIdle = !_isBusy || _isParked;
            if (isIdle && _current is { } current)
                orphans.Add(current);
            if (isIdle)
                _current = null;
        }

        server.Closed(this);
        Socket.Shut();
        _closing.Cancel();
        foreach (var reply in open)
            reply.Cancel();
        foreach (var reply in orphans)
            End(reply);
        if (isIdle)
            Socket.Dispose();
    }

    private bool TryTakeNext()
    {
        while (true)
        {
            Reply? next = null;
            lock (_gate)
            {
                for (var priority = 0; priority < Priorities && next is null; priority++)
                {
                    (next, _first[priority]) = (_first[priority], null);
                    if (next is null)
                        _ready[priority].TryDequeue(out next);
                }
            }

            if (next is null)
                return false;
            if (next.IsCancelled)
            {
                End(next);
                continue;
            }

            _current = next;
            (_headLength, _headSent) = (next.Prepare(_head), 0);
            return true;
        }
    }

    private bool TrySend(out bool isWhole)
    {
        isWhole = false;
        var current = _current!;
        while (_headSent < _headLength || current.PayloadLeft > 0)
        {
            var isHead = _headSent < _headLength;
            var wanted = isHead ? _headLength - _headSent : current.PayloadLeft;
            var sent = isHead
                ? Socket.Send(_head.AsSpan(_headSent, wanted), isMoreComing: current.PayloadLeft > 0)
                : current.SendPayload(Socket);
            if (sent == PeerSocket.Gone)
                return false;
            if (sent > 0)
            {
                Volatile.Write(ref _lastSent, Environment.TickCount64);
                if (isHead)
                    _headSent += sent;
                else
                    server.AddSent(current, sent);
            }

            if (sent < wanted && !Socket.WaitToSend(Limits.PeerLinger))
                return true;
        }

        isWhole = true;
        return true;
    }

    private void FrameSent()
    {
        var current = _current!;
        _current = null;
        var follow = current.IsCancelled ? Follow.End : current.Sent();
        server.Account(current, follow == Follow.End ? 0 : current.ReadyBytes);
        switch (follow)
        {
            case Follow.End:
                End(current);
                break;
            case Follow.Await:
                server.Await(this, (ChunkReply)current);
                break;
            default:
                lock (_gate)
                    if (!_isClosed)
                    {
                        _first[current.Priority] = current;
                        break;
                    }

                End(current);
                break;
        }
    }

    private void EndTurn(bool isThere, bool isWhole)
    {
        if (!isThere)
            Close();
        Reply? left;
        lock (_gate)
        {
            if (!_isClosed)
            {
                _isParked = !isWhole;
                _isBusy = _isParked;
                if (!_isParked)
                    Requeue();
                left = null;
            }
            else
            {
                (left, _current) = (_current, null);
            }

            if (!_isClosed && !_isParked)
                return;
        }

        if (!_isClosed)
        {
            server.WatchForRoom(this, true);
            return;
        }

        if (left is not null)
            End(left);
        Socket.Dispose();
    }

    // Under the gate.
    private void Requeue()
    {
        if (_isBusy || _isClosed)
            return;
        var best = _current is null ? 0 : -1;
        while (best >= 0 && best < Priorities && _first[best] is null && _ready[best].Count == 0)
            best++;
        best = Math.Max(best, 0);
        if (best >= _queuedAt || best >= Priorities)
            return;
        _queuedAt = best;
        server.Queue.Enqueue(this, best);
    }
}
