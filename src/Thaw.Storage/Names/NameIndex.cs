using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>
/// The names in memory: by key, in listing order, and by content. Readers take no lock: each of the three is a
/// concurrent map or an immutable snapshot. Changes are made by one caller at a time (the gate of
/// <see cref="NameState"/>). A reader may see a change in one of the three a moment before the others.
/// </summary>
internal sealed class NameIndex
{
    private static readonly ImmutableSortedSet<string> NoKeys = ImmutableSortedSet.Create<string>(Utf8Order.Instance);

    private readonly ConcurrentDictionary<string, NameEntry> _entries;

    // A key, or a set of them: most contents have one name, which needs no set.
    private readonly ConcurrentDictionary<ContentId, object> _keysByContent = new();
    private volatile ImmutableSortedSet<string> _keys;

    public NameIndex(IReadOnlyCollection<KeyValuePair<string, NameEntry>> entries)
    {
        _entries = new ConcurrentDictionary<string, NameEntry>(entries, StringComparer.Ordinal);
        _keys = ImmutableSortedSet.CreateRange(Utf8Order.Instance, entries.Select(pair => pair.Key));
        foreach (var (key, entry) in entries)
            AddContent(entry.Version.Id, key);
    }

    public int Count => _keys.Count;

    /// <summary>All keys in listing order, as of now.</summary>
    public ImmutableSortedSet<string> Keys => _keys;

    public bool TryGet(string key, [MaybeNullWhen(false)] out NameEntry entry) => _entries.TryGetValue(key, out entry);

    public NameEntry? Find(string key) => _entries.GetValueOrDefault(key);

    public ImmutableArray<NameEntry> NamesOf(ContentId content)
    {
        var keys = KeysOf(content);
        var names = ImmutableArray.CreateBuilder<NameEntry>(keys.Count);
        foreach (var key in keys)
        {
            if (_entries.TryGetValue(key, out var entry) && entry.Version.Id == content)
                names.Add(entry);
        }

        return names.DrainToImmutable();
    }

    public void Put(NameEntry entry)
    {
        var known = _entries.TryGetValue(entry.Key, out var old);
        _entries[entry.Key] = entry;
        if (known && old!.Version.Id == entry.Version.Id)
            return;
        AddContent(entry.Version.Id, entry.Key);
        if (known)
            RemoveContent(old!.Version.Id, entry.Key);
        else
            _keys = _keys.Add(entry.Key);
    }

    public bool Remove(string key)
    {
        if (!_entries.TryRemove(key, out var old))
            return false;
        _keys = _keys.Remove(key);
        RemoveContent(old.Version.Id, key);
        return true;
    }

    private ImmutableSortedSet<string> KeysOf(ContentId content) => _keysByContent.GetValueOrDefault(content) switch
    {
        null => NoKeys,
        string key => NoKeys.Add(key),
        var keys => (ImmutableSortedSet<string>)keys,
    };

    private void AddContent(ContentId content, string key)
    {
        if (!_keysByContent.TryAdd(content, key))
            _keysByContent[content] = KeysOf(content).Add(key);
    }

    private void RemoveContent(ContentId content, string key)
    {
        var rest = KeysOf(content).Remove(key);
        if (rest.IsEmpty)
            _keysByContent.TryRemove(content, out _);
        else
            _keysByContent[content] = rest;
    }
}
