using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>
/// All that this node asks of one other node: a few connections over that node's addresses, and the verdict on it. What
/// a broken connection leaves behind is asked once more on another one; silence, or nobody at the address, is a
/// verdict, and ends everything that is asked of the node.
/// </summary>
internal sealed class PeerLink(string node, PeerClient client)
{
    private readonly Lock _gate = new();
    private readonly List<ClientConnection> _connections = [];
    private ClusterMember? _member;
    private Failure? _verdict;
    private long _verdictUntil;
    private int _nextAddress;
    private bool _isStopped;
    private (PeerLoad Load, long At)? _load;

    public string Node { get; } = node;

    public PeerTransferOptions Options => client.Options;

    public ClusterSnapshot Snapshot => client.Snapshot;

    /// <summary>Whether it was silent, and is not asked just now.</summary>
    public bool IsSuspect
    {
        get
        {
            lock (_gate)
                return Verdict is not null;
        }
    }

    /// <summary>What the node has to send, as it said last, and when.</summary>
    public (PeerLoad Load, long At)? Load
    {
        get
        {
            lock (_gate)
                return _load;
        }
    }

    // Under the gate.
    private Failure? Verdict => Environment.TickCount64 < _verdictUntil ? _verdict : null;

    /// <summary>Asks on the connection that has least to do, or on a new one.</summary>
    public void Submit(Pending pending, ClusterMember? member)
    {
        Failure? failure;
        var isSilent = true;
        lock (_gate)
        {
            _member = member ?? _member;
            failure = _isStopped
                ? new Failure(FailureKind.Stopping, "The node is stopping; ask another one.", RetryAdvice.Elsewhere)
                : Verdict;
            if (failure is null && !TrySubmit(pending))
                failure = new Failure(
                    FailureKind.Busy, $"All connections to {Node} have enough to do; ask again later.",
                    RetryAdvice.Later);
            isSilent = failure is not null && failure == _verdict && failure.Retry == RetryAdvice.Elsewhere;
        }

        if (failure is not null)
            pending.Fail(isSilent ? PeerEnd.Silent : PeerEnd.Failed, failure);
    }

    /// <summary>A connection is over. On its thread, last of all.</summary>
    public void Ended(ClientConnection connection, ConnectionEnd end, Pending[] left, Failure? failure)
    {
        ClientConnection[] others = [];
        var isVerdict = false;
        lock (_gate)
        {
            _connections.Remove(connection);
            var isAlone = !_connections.Exists(other =>
                other.LastHeard > Environment.TickCount64 - (long)Limits.PeerSilence.TotalMilliseconds);
            isVerdict = left.Length > 0 && (end == ConnectionEnd.Refused
                || (isAlone && end is ConnectionEnd.Silent or ConnectionEnd.Unreachable));
            if (isVerdict)
            {
                _verdict = failure ?? Silence();
                _verdictUntil = Environment.TickCount64 + (long)Limits.PeerSuspectPause.TotalMilliseconds;
                others = [.. _connections];
                failure = _verdict;
            }
        }

        if (isVerdict)
            client.CountVerdict(Node, failure!);
        foreach (var other in others)
            other.Shut();
        foreach (var pending in left)
        {
            pending.Connection = null;
            if (pending.IsCancelRequested)
                pending.Cancelled();
            else if (isVerdict || pending.Breaks++ > 0)
                pending.Fail(
                    end == ConnectionEnd.Refused ? PeerEnd.Failed : PeerEnd.Silent, failure ?? Silence());
            else
                Submit(pending, null);
        }
    }

    /// <summary>The node told its load; null: it did not.</summary>
    public void NoteLoad(PeerLoad? load)
    {
        if (load is { } told)
            lock (_gate)
                _load = (told, Environment.TickCount64);
    }

    public void AddReceived(int bytes) => client.AddReceived(bytes);

    public void CountCorrupt() => client.CountCorrupt();

    public void Broke(Exception error) => client.Broke(Node, error);

    /// <summary>Cuts everything and waits for the threads.</summary>
    public void Stop()
    {
        ClientConnection[] all;
        lock (_gate)
        {
            _isStopped = true;
            all = [.. _connections];
        }

        foreach (var connection in all)
            connection.Shut();
        foreach (var connection in all)
            connection.Join();
    }

    private Failure Silence() => new(
        FailureKind.Busy, $"{Node} does not answer; ask another node.", RetryAdvice.Elsewhere);

    private bool TrySubmit(Pending pending)
    {
        var least = _connections.MinBy(connection => connection.Load);
        if ((least is null || least.Load > 0) && _connections.Count < Options.Connections
            && _member is { Addresses.Length: > 0 } member)
        {
            var address = member.Addresses[(_nextAddress++ & int.MaxValue) % member.Addresses.Length];
            var opened = new ClientConnection(this, address);
            if (!opened.TrySubmit(pending))
                return false;
            _connections.Add(opened);
            opened.Start();
            return true;
        }

        foreach (var connection in _connections.OrderBy(connection => connection.Load))
            if (connection.TrySubmit(pending))
                return true;
        return false;
    }
}
