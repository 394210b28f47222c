using System.Collections.Immutable;
using Thaw.Core.Identity;

namespace Thaw.Core.Homes;

/// <summary>
/// What each node told a home of what it holds: chunks of versions. A hint, never a promise: a node that is asked may
/// have dropped the chunk. Bounded by versions; the one that was told of longest ago goes first. No clock, no I/O; one
/// caller at a time.
/// </summary>
public sealed class HolderTable(int mostVersions)
{
    private readonly Dictionary<ContentId, LinkedListNode<Entry>> _versions = [];
    private readonly LinkedList<Entry> _order = new();

    /// <summary>Versions of which something is known.</summary>
    public int Versions => _versions.Count;

    /// <summary>A node tells what it has of a version.</summary>
    /// <param name="node">The node.</param>
    /// <param name="id">The version.</param>
    /// <param name="firstChunk">First chunk of the bits.</param>
    /// <param name="bits">A bit for each chunk; bit 0 of byte 0 is the first.</param>
    /// <param name="replacesAll">In place of all that it told of the version before.</param>
    public void Tell(string node, ContentId id, int firstChunk, ReadOnlySpan<byte> bits, bool replacesAll)
    {
        if (!_versions.TryGetValue(id, out var place))
        {
            place = _order.AddLast(new Entry(id));
            _versions.Add(id, place);
            if (_versions.Count > mostVersions)
            {
                _versions.Remove(_order.First!.Value.Id);
                _order.RemoveFirst();
            }
        }
        else
        {
            _order.Remove(place);
            _order.AddLast(place);
        }

        var nodes = place.Value.Nodes;
        if (replacesAll || !nodes.TryGetValue(node, out var held))
            nodes[node] = held = [];
        for (var bit = 0; bit < bits.Length * 8; bit++)
            if ((bits[bit / 8] >> (bit % 8) & 1) != 0)
                held.Add(firstChunk + bit);
        if (held.Count == 0)
            nodes.Remove(node);
    }

    /// <summary>Each node with the chunks of a version that it told of, in order of names.</summary>
    public ImmutableArray<(string Node, ImmutableArray<int> Chunks)> HoldersOf(ContentId id) =>
        _versions.TryGetValue(id, out var place)
            ? [.. place.Value.Nodes.OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => (pair.Key, pair.Value.ToImmutableArray()))]
            : [];

    /// <summary>Forgets nodes that are members no more.</summary>
    public void Keep(Func<string, bool> isMember)
    {
        foreach (var entry in _order)
            foreach (var node in entry.Nodes.Keys.Where(node => !isMember(node)).ToArray())
                entry.Nodes.Remove(node);
    }

    private sealed class Entry(ContentId id)
    {
        public ContentId Id => id;

        public Dictionary<string, SortedSet<int>> Nodes { get; } = new(StringComparer.Ordinal);
    }
}
