using Thaw.Posix.Files;

namespace Thaw.Posix.Tree;

/// <summary>
/// The nodes that the kernel knows. A node is here as long as the kernel has not forgotten it as often as it was told
/// of it; a name leads to at most one node.
/// <para>Any thread; everything is done under one lock and nothing waits under it. Nothing outlives the process: after
/// a crash the kernel's connection is gone with all its nodes, and inode numbers follow from names.</para>
/// </summary>
internal sealed class NodeTable
{
    public const ulong RootId = 1;

    private readonly Dictionary<ulong, Node> _nodes = [];
    private readonly Dictionary<(ulong Parent, string Name), Node> _names = [];
    private readonly Lock _gate = new();
    private ulong _lastId = RootId;
    private long _hiddenNames;

    public NodeTable()
    {
        Root = new Node(RootId, null, Found.Folder(""), FileNames.RootInode);
        _nodes.Add(RootId, Root);
    }

    public Node Root { get; }

    public int Count
    {
        get
        {
            lock (_gate)
                return _nodes.Count;
        }
    }

    /// <summary>Names that are left out of the folders that the kernel knows.</summary>
    public long HiddenNames => Volatile.Read(ref _hiddenNames);

    public Node? Get(ulong id)
    {
        lock (_gate)
            return _nodes.GetValueOrDefault(id);
    }

    /// <summary>
    /// The node of what was found, new if its name leads to none or to another one; the kernel is told of it once more.
    /// </summary>
    public Node Enter(Node parent, in Found found, long now)
    {
        lock (_gate)
        {
            var key = (parent.Id, found.Name);
            if (_names.TryGetValue(key, out var known) && known.Is(in found))
            {
                known.Lookups++;
                known.SeenAt = now;
                return known;
            }

            if (known is not null)
                known.IsCurrent = false;
            var node = Make(parent, in found);
            node.SeenAt = now;
            _names[key] = node;
            _nodes.Add(node.Id, node);
            return node;
        }
    }

    /// <summary>
    /// The node that a name leads to if it was found since a moment; the kernel is told of it once more.
    /// </summary>
    public Node? TryEnter(Node parent, string name, long since)
    {
        lock (_gate)
        {
            if (!_names.TryGetValue((parent.Id, name), out var node) || node.SeenAt < since)
                return null;
            node.Lookups++;
            return node;
        }
    }

    /// <summary>The kernel has forgotten a node so many times.</summary>
    public void Forget(ulong id, ulong lookups)
    {
        lock (_gate)
        {
            if (id == RootId || !_nodes.TryGetValue(id, out var node))
                return;
            node.Lookups -= Math.Min(lookups, node.Lookups);
            if (node.Lookups > 0)
                return;
            _nodes.Remove(id);
            Leave(node);
            _hiddenNames -= node.HiddenNames;
        }
    }

    /// <summary>The node's name leads to it no longer: the next look-up finds a new one.</summary>
    public void Detach(Node node)
    {
        lock (_gate)
            Leave(node);
    }

    /// <summary>How a file is open.</summary>
    public NodeOpens OpensOf(Node node)
    {
        lock (_gate)
            return node.Opens ??= new NodeOpens();
    }

    /// <summary>A folder was listed whole.</summary>
    public void NoteListed(Node folder, long begunAt, int hiddenNames)
    {
        lock (_gate)
        {
            if (folder.Id != RootId && !_nodes.ContainsKey(folder.Id))
                return;
            folder.ListedAt = begunAt;
            _hiddenNames += hiddenNames - folder.HiddenNames;
            folder.HiddenNames = hiddenNames;
        }
    }

    private Node Make(Node parent, in Found found)
    {
        var id = ++_lastId;
        var draft = new Node(id, parent, in found, 0);
        var (mount, key) = draft.Locate();
        return new Node(id, parent, in found, FileNames.InodeOf(mount, key)) { Lookups = 1, IsCurrent = true };
    }

    private void Leave(Node node)
    {
        if (!node.IsCurrent)
            return;
        node.IsCurrent = false;
        _names.Remove((node.Parent!.Id, node.Name));
    }
}
