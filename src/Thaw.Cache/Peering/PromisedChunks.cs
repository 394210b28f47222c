using System.Collections.Immutable;
using Thaw.Core.Identity;

namespace Thaw.Cache.Peering;

/// <summary>
/// What this node has promised to others and not sent yet, and who got each chunk of late from here or in this node's
/// place, so that it can send the next one there. Bounded: the oldest chunks are forgotten. Any thread.
/// </summary>
internal sealed class PromisedChunks(int most)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ContentId, int), Dictionary<string, int>> _given = [];
    private readonly Dictionary<(ContentId, int), string> _standIns = [];
    private readonly Queue<(ContentId, int)> _order = new();
    private long _bytes;

    /// <summary>Bytes that are promised.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Nodes that were given a chunk, each with how many were sent there since.</summary>
    public ImmutableArray<(string Node, int Sent)> HoldersOf(ContentId id, int chunk)
    {
        lock (_gate)
            return _given.TryGetValue((id, chunk), out var nodes)
                ? [.. nodes.Select(pair => (pair.Key, pair.Value))] : [];
    }

    /// <summary>A chunk is promised to a node; until <see cref="Sent"/>.</summary>
    public void Promise(ContentId id, int chunk, string node, int bytes)
    {
        Interlocked.Add(ref _bytes, bytes);
        Given(id, chunk, node);
    }

    /// <summary>
    /// A node is to fetch a chunk from the origin in this node's place; false if somebody has it already. Whoever
    /// begins to fetch it here first makes that known to <paramref name="isHere"/>, and then asks for a stand-in.
    /// </summary>
    public bool TryStandIn(ContentId id, int chunk, string node, Func<bool> isHere)
    {
        lock (_gate)
        {
            if (isHere() || (_given.TryGetValue((id, chunk), out var nodes) && nodes.Count > 0))
                return false;
            Given(id, chunk, node);
            _standIns[(id, chunk)] = node;
            return true;
        }
    }

    /// <summary>The node that fetches, or has fetched, a chunk in this node's place.</summary>
    public string? StandInOf(ContentId id, int chunk)
    {
        lock (_gate)
            return _standIns.GetValueOrDefault((id, chunk));
    }

    private void Given(ContentId id, int chunk, string node)
    {
        lock (_gate)
        {
            if (!_given.TryGetValue((id, chunk), out var nodes))
            {
                _given.Add((id, chunk), nodes = new Dictionary<string, int>(StringComparer.Ordinal));
                _order.Enqueue((id, chunk));
                if (_order.Count > most && _order.Dequeue() is var oldest)
                {
                    _given.Remove(oldest);
                    _standIns.Remove(oldest);
                }
            }

            nodes.TryAdd(node, 0);
        }
    }

    /// <summary>A node was sent to another one for a chunk.</summary>
    public void Redirected(ContentId id, int chunk, string holder, string asker)
    {
        lock (_gate)
            if (_given.TryGetValue((id, chunk), out var nodes) && nodes.TryGetValue(holder, out var sent))
            {
                nodes[holder] = sent + 1;
                // It will hold the chunk too, but whoever gave it to it has one to serve already.
                nodes.TryAdd(asker, 0);
            }
    }

    /// <summary>A node does not have a chunk after all.</summary>
    public void Forget(ContentId id, int chunk, string node)
    {
        lock (_gate)
        {
            if (_given.TryGetValue((id, chunk), out var nodes))
                nodes.Remove(node);
            if (_standIns.TryGetValue((id, chunk), out var standIn) && standIn == node)
                _standIns.Remove((id, chunk));
        }
    }

    /// <summary>A promise is kept or given up.</summary>
    public void Sent(int bytes) => Interlocked.Add(ref _bytes, -bytes);
}
