namespace Thaw.Storage.Names;

/// <summary>What of a name's state the log does not have yet.</summary>
[Flags]
internal enum NameChange : byte
{
    None = 0,

    /// <summary>The version, or the name's absence.</summary>
    Whole = 1,

    /// <summary>The pin.</summary>
    Pin = 2,

    /// <summary>The times.</summary>
    Touch = 4,
}

/// <summary>
/// The names in memory and the set of keys whose state the log does not have yet.
/// <para>
/// Invariants: a change and its mark are made under one short gate, never held over I/O. What is kept is the set of
/// changed keys, not a queue of changes: the writer logs each key's state of the moment. So a disk that is stuck for
/// an hour costs at most one mark per key, nothing has to be dropped or refused, and a batch that failed is simply
/// marked again.
/// </para>
/// </summary>
internal sealed class NameState(NameIndex index)
{
    private readonly Lock _gate = new();
    private Dictionary<string, NameChange> _changed = new(StringComparer.Ordinal);
    private HashSet<string> _touched = new(StringComparer.Ordinal);

    public NameIndex Index => index;

    public void Put(string key, PackedName name)
    {
        lock (_gate)
        {
            index.Put(name);
            Mark(key, NameChange.Whole);
        }
    }

    public bool Remove(string key)
    {
        lock (_gate)
        {
            if (!index.Remove(key))
                return false;
            Mark(key, NameChange.Whole);
            return true;
        }
    }

    public bool SetPinned(string key, bool pinned)
    {
        lock (_gate)
        {
            if (!index.TryFind(key, out var name))
                return false;
            if (name.Pinned != pinned)
            {
                name.Pinned = pinned;
                Mark(key, NameChange.Pin);
            }

            return true;
        }
    }

    public bool Touch(string key, DateTimeOffset? asked, DateTimeOffset? used)
    {
        lock (_gate)
        {
            if (!index.TryFind(key, out var name))
                return false;
            if (asked is { } whenAsked)
                name.LastAsked = whenAsked;
            if (used is { } whenUsed)
                name.LastUsed = whenUsed;
            _touched.Add(key);
            return true;
        }
    }

    /// <summary>Takes the marks away: all but touches, or all. Who takes them logs them or puts them back.</summary>
    public Dictionary<string, NameChange> Take(bool touches)
    {
        lock (_gate)
        {
            var taken = _changed;
            _changed = new Dictionary<string, NameChange>(StringComparer.Ordinal);
            if (touches)
            {
                foreach (var key in _touched)
                    taken[key] = taken.GetValueOrDefault(key) | NameChange.Touch;
                _touched = new HashSet<string>(StringComparer.Ordinal);
            }

            return taken;
        }
    }

    /// <summary>Marks again what could not be logged.</summary>
    public void PutBack(Dictionary<string, NameChange> taken)
    {
        lock (_gate)
        {
            foreach (var (key, change) in taken)
            {
                if (change == NameChange.Touch)
                    _touched.Add(key);
                else
                    Mark(key, change);
            }
        }
    }

    private void Mark(string key, NameChange change) =>
        _changed[key] = _changed.GetValueOrDefault(key) | change;
}
