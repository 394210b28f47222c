using Thaw.Core;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// The order in which connections send: by the priority of what they have, then in turn. A few threads take one turn
/// after the other, each a frame of one connection; none of them waits for a slow peer.
/// </summary>
internal sealed class SendQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<ServerConnection>[] _queues =
        [.. Enumerable.Range(0, ServerConnection.Priorities).Select(_ => new Queue<ServerConnection>())];
    private readonly Thread[] _threads;
    private bool _isStopped;

    public SendQueue()
    {
        _threads = [.. Enumerable.Range(0, Limits.PeerSenders).Select(
            index => new Thread(Run, 256 << 10) { IsBackground = true, Name = $"peer send {index}" })];
        foreach (var thread in _threads)
            thread.Start();
    }

    /// <summary>A connection wants a turn; one that meanwhile got a better place leaves this one stale.</summary>
    public void Enqueue(ServerConnection connection, int priority)
    {
        lock (_gate)
        {
            _queues[priority].Enqueue(connection);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends the threads after their present turns.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopped = true;
            Monitor.PulseAll(_gate);
        }

        foreach (var thread in _threads)
            thread.Join();
    }

    private void Run()
    {
        while (Take() is var (connection, priority))
            connection.TakeTurn(priority);
    }

    private (ServerConnection Connection, int Priority)? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                for (var priority = 0; priority < _queues.Length; priority++)
                    if (_queues[priority].TryDequeue(out var connection))
                        return (connection, priority);
                if (_isStopped)
                    return null;
                Monitor.Wait(_gate);
            }
        }
    }
}
