namespace Thaw.Posix.Files;

/// <summary>How the kernel goes on with an open file.</summary>
internal enum OpenMode
{
    /// <summary>It asks for pages and keeps them.</summary>
    Cached,

    /// <summary>It reads the version's own file.</summary>
    Passthrough,
}

/// <summary>
/// How one node is open. The kernel refuses (EIO) to mix the two ways on one node, so the first open decides, and
/// whoever needs the other way while it is in use needs another node. All passthrough opens share one backing id.
/// <para>Any thread, under its own lock; a release comes after the kernel has let go of the node.</para>
/// </summary>
internal sealed class NodeOpens
{
    private readonly Lock _gate = new();
    private int _cached;
    private int _passthrough;
    private int _backingId;

    /// <summary>Opens in the cached way.</summary>
    public int Cached
    {
        get
        {
            lock (_gate)
                return _cached;
        }
    }

    /// <summary>Joins passthrough opens that exist already: the backing id, or 0.</summary>
    public int TryJoin()
    {
        lock (_gate)
        {
            if (_passthrough == 0)
                return 0;
            _passthrough++;
            return _backingId;
        }
    }

    /// <summary>Counts a cached open; false if the node is open by passthrough.</summary>
    public bool TryOpenCached()
    {
        lock (_gate)
        {
            if (_passthrough > 0)
                return false;
            _cached++;
            return true;
        }
    }

    /// <summary>
    /// Counts a passthrough open and gives its backing id, made by <paramref name="open"/> for the first one: a number
    /// above 0, or minus an errno. 0 if the node is open in the cached way.
    /// </summary>
    public int OpenPassthrough(Func<int> open)
    {
        // The ioctl under the lock looks a descriptor up and waits for nothing.
        lock (_gate)
        {
            if (_cached > 0)
                return 0;
            if (_passthrough == 0 && open() is var id)
            {
                if (id <= 0)
                    return id;
                _backingId = id;
            }

            _passthrough++;
            return _backingId;
        }
    }

    /// <summary>Takes an open back; the backing id to close with the last passthrough one, or 0.</summary>
    public int Close(OpenMode mode)
    {
        lock (_gate)
        {
            if (mode == OpenMode.Cached)
            {
                _cached--;
                return 0;
            }

            if (--_passthrough > 0)
                return 0;
            (var last, _backingId) = (_backingId, 0);
            return last;
        }
    }
}
