using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// Answers other nodes on the peer port. One thread polls: it accepts, reads requests and ticks. A few threads send.
/// What the cache does for a request runs on the thread pool, counted, and is awaited when the server stops.
/// </summary>
public sealed class PeerServer : IPeerServer
{
    private static readonly TimeSpan TickTime = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<long, (ServerConnection Sending, ServerIntake Intake)> _connections = new();
    private readonly Func<ClusterSnapshot> _snapshot;
    private readonly IPeerService _service;
    private readonly ILogger _logger;
    private readonly EventPoll _poll = new();
    private readonly ImmutableArray<PeerSocket> _listeners;
    private readonly SendMeter _meter = new();
    private readonly TaskCounter _tasks = new();
    private readonly Thread _thread;
    private long _nextKey;
    private int _requests;
    private volatile bool _isStopping;

    /// <summary>Listens at once.</summary>
    /// <exception cref="IOException">An address cannot be taken.</exception>
    public PeerServer(
        PeerTransferOptions options, Func<ClusterSnapshot> snapshot, IPeerService service, ILogger<PeerServer> logger)
    {
        (Options, _snapshot, _service, _logger) = (options, snapshot, service, logger);
        var listening = new List<(PeerSocket Socket, NodeAddress Bound)>();
        try
        {
            foreach (var address in options.Listen)
                listening.Add(PeerSocket.Listen(address));
        }
        catch
        {
            listening.ForEach(one => one.Socket.Dispose());
            _poll.Dispose();
            throw;
        }

        _listeners = [.. listening.Select(one => one.Socket)];
        Addresses = [.. listening.Select(one => one.Bound)];
        Queue = new SendQueue();
        for (var index = 0; index < _listeners.Length; index++)
            _poll.Add(_listeners[index], -1 - index);
        _thread = new Thread(Run, 512 << 10) { IsBackground = true, Name = "peer poll" };
        _thread.Start();
    }

    /// <summary>Where it listens, with the ports that it got.</summary>
    public ImmutableArray<NodeAddress> Addresses { get; }

    /// <inheritdoc />
    public long BytesOut => _meter.Bytes;

    /// <inheritdoc />
    public long QueuedBytes => _meter.QueuedBytes;

    /// <inheritdoc />
    public double BytesPerSecond => _meter.BytesPerSecond;

    /// <inheritdoc />
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Connections of other nodes, also of such that have not said who they are.</summary>
    public int Connections => _connections.Count;

    /// <summary>What this node has to send.</summary>
    internal PeerLoad Load => new(_service.PromisedBytes, _meter.BytesPerSecond);

    internal PeerTransferOptions Options { get; }

    internal SendQueue Queue { get; }

    internal string Node => Options.Node;

    internal ClusterSnapshot Snapshot => _snapshot();

    /// <summary>Cuts all connections and waits for what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        await Task.Run(_thread.Join).ConfigureAwait(false);
        foreach (var listener in _listeners)
            listener.Dispose();
        foreach (var (_, (connection, _)) in _connections)
            connection.Close();
        await Task.Run(Queue.Dispose).ConfigureAwait(false);
        await _tasks.DrainAsync().ConfigureAwait(false);
        _poll.Dispose();
    }

    internal void Account(Reply reply, int bytes)
    {
        _meter.AddQueued(bytes - reply.AccountedBytes, Environment.TickCount64);
        reply.AccountedBytes = bytes;
    }

    internal void AddSent(Reply reply, int bytes)
    {
        if (reply is ChunkReply)
            _meter.AddSent(bytes);
    }

    internal void RequestEnded() => Interlocked.Decrement(ref _requests);

    internal void Closed(ServerConnection connection) => _connections.TryRemove(connection.Key, out _);

    internal void WatchForRoom(ServerConnection connection, bool isWatching)
    {
        try
        {
            _poll.Change(connection.Socket, connection.Key, isWatching);
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile; closing ended what was parked.
        }
    }

    internal void Proved(string node) => Log.Connected(_logger, node);

    internal void Refused(string node, string reason) => Log.Refused(_logger, node.Length > 0 ? node : "?", reason);

    /// <summary>Answers a request with a failure.</summary>
    internal bool Refuse(ServerConnection connection, uint request, Failure failure)
    {
        Send(connection, MessageHeader.Compose(MessageType.Failure, request, FailureCodec.Write(failure)));
        return true;
    }

    internal bool TryStart(ServerConnection connection, ChunkReply reply) =>
        TryStart(connection, reply, () => OpenAsync(connection, reply));

    internal bool TryStart(ServerConnection connection, uint request, PeerQuestion question)
    {
        var reply = new QuestionReply(request, connection.Closing);
        return TryStart(connection, reply, () => AnswerAsync(connection, reply, question));
    }

    /// <summary>The reply's next block is not there yet: whoever waits owns it until then.</summary>
    internal void Await(ServerConnection connection, ChunkReply reply) =>
        _tasks.Run(() => AwaitAsync(connection, reply));

    private static void Send(ServerConnection connection, byte[] message) =>
        connection.Enqueue(new MessageReply(message));

    private static Failure TooLate(string node) => new(
        FailureKind.Busy, $"{node} could not answer in the time that was asked for; try again.", RetryAdvice.Later);

    private bool TryStart(ServerConnection connection, Reply reply, Func<Task> answer)
    {
        // One number for two requests: the peer's messages mean nothing any more.
        if (connection.Open >= Limits.PeerRequests)
            return Refuse(connection, reply.Request, new Failure(
                FailureKind.Busy, $"{Node} has {Limits.PeerRequests} requests of this connection; ask again later.",
                RetryAdvice.Later));
        if (reply.Request == 0 || !connection.TryOpen(reply))
            return false;
        Interlocked.Increment(ref _requests);
        _tasks.Run(answer);
        return true;
    }

    private async Task OpenAsync(ServerConnection connection, ChunkReply reply)
    {
        try
        {
            var supply = await _service.OpenAsync(connection.Node, reply.Wanted, reply.Token).ConfigureAwait(false);
            reply.Give(supply);
            switch (supply)
            {
                case StoredSupply:
                    connection.Enqueue(reply);
                    break;
                case FlightSupply:
                    await AwaitAsync(connection, reply).ConfigureAwait(false);
                    break;
                case RedirectSupply redirect:
                    EndWith(connection, reply, MessageHeader.Compose(
                        MessageType.Redirect, reply.Request, System.Text.Encoding.UTF8.GetBytes(redirect.Node)));
                    break;
                case NotConfiguredSupply:
                    EndWith(connection, reply, MessageHeader.Compose(MessageType.NotConfigured, reply.Request, []));
                    break;
                default:
                    EndWith(connection, reply, ((FailedSupply)supply).Failure);
                    break;
            }
        }
        catch (Exception error)
        {
            Broke(connection, reply, error, reply.Token);
        }
    }

    private async Task AwaitAsync(ServerConnection connection, ChunkReply reply)
    {
        try
        {
            var flight = (FlightSupply)reply.Supply!;
            if (await flight.WaitAsync(reply.NextBlock, reply.Token).ConfigureAwait(false) is { } failure)
                EndWith(connection, reply, failure);
            else
                connection.Enqueue(reply);
        }
        catch (Exception error)
        {
            Broke(connection, reply, error, reply.Token);
        }
    }

    private async Task AnswerAsync(ServerConnection connection, QuestionReply reply, PeerQuestion question)
    {
        try
        {
            var answered = await _service.AnswerAsync(connection.Node, question, reply.Token).ConfigureAwait(false);
            if (!answered.TryGet(out var answer, out var failure))
                EndWith(connection, reply, failure);
            else if (AnswerCodec.Write(answer, reply.Request) is { } message)
                EndWith(connection, reply, message);
            else
                EndWith(connection, reply, new Failure(
                    FailureKind.Busy, $"{Node} knows more than fits an answer; ask for less at once."));
        }
        catch (Exception error)
        {
            Broke(connection, reply, error, reply.Token);
        }
    }

    private void Broke(ServerConnection connection, Reply reply, Exception error, CancellationToken token)
    {
        if (error is OperationCanceledException && token.IsCancellationRequested)
        {
            EndWith(connection, reply, TooLate(Node));
            return;
        }

        Log.AnswerBroke(_logger, connection.Node, error);
        EndWith(connection, reply, new Failure(
            FailureKind.Busy, $"{Node} could not answer; its log says why.", RetryAdvice.Elsewhere));
    }

    private static void EndWith(ServerConnection connection, Reply reply, Failure failure) =>
        EndWith(
            connection, reply,
            MessageHeader.Compose(MessageType.Failure, reply.Request, FailureCodec.Write(failure)));

    // The number is free before its last message is sent; the peer cannot use it again before it has read that.
    private static void EndWith(ServerConnection connection, Reply reply, byte[] message)
    {
        var isWanted = !reply.IsCancelled;
        connection.End(reply);
        if (isWanted)
            Send(connection, message);
    }

    private void Run()
    {
        var lastTick = Environment.TickCount64;
        while (!_isStopping)
        {
            var events = _poll.Look(TickTime);
            for (var index = 0; index < events; index++)
            {
                var (key, canRead, canWrite) = _poll[index];
                if (key < 0)
                    Accept(_listeners[(int)(-1 - key)]);
                else if (_connections.TryGetValue(key, out var known))
                    Handle(known.Sending, known.Intake, canRead, canWrite);
            }

            var now = Environment.TickCount64;
            if (now - lastTick < TickTime.TotalMilliseconds)
                continue;
            lastTick = now;
            Tick(now);
        }
    }

    private void Accept(PeerSocket listener)
    {
        try
        {
            while (listener.Accept(Options.Sockets) is { } socket)
            {
                if (_connections.Count >= Limits.PeerConnectionsIn)
                {
                    socket.Dispose();
                    continue;
                }

                var connection = new ServerConnection(_nextKey++, socket, this);
                _connections[connection.Key] = (connection, new ServerIntake(connection, this));
                _poll.Add(socket, connection.Key);
            }
        }
        catch (IOException error)
        {
            Log.ConnectionBroke(_logger, "?", error);
        }
    }

    private void Handle(ServerConnection connection, ServerIntake intake, bool canRead, bool canWrite)
    {
        try
        {
            if (canWrite)
                connection.Resume();
            if (canRead && !intake.ReadNow())
                connection.Close();
        }
        catch (ObjectDisposedException)
        {
            connection.Close();
        }
        catch (Exception error)
        {
            Log.ConnectionBroke(_logger, connection.Node, error);
            connection.Close();
        }
    }

    private void Tick(long now)
    {
        _meter.Tick(now);
        foreach (var (_, (connection, intake)) in _connections)
        {
            var silence = now - Math.Max(intake.LastHeard, connection.LastSent);
            var isDead = !intake.IsProved && now - intake.LastHeard > (long)Limits.PeerHandshake.TotalMilliseconds;
            var isIdle = silence > (long)Limits.PeerIdleMost.TotalMilliseconds && connection.Open == 0;
            if (isDead || isIdle || !connection.Tick(now))
                connection.Close();
        }
    }
}
