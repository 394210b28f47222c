using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using Thaw.Core;
using Thaw.Core.Identity;
using Thaw.Storage.Memory;

namespace Thaw.Storage.Names;

/// <summary>
/// The names in memory: in listing order, and by content. Readers take no lock: the order is an immutable snapshot, the
/// table of contents lets them probe. Changes are made by one caller at a time (the gate of <see cref="NameState"/>).
/// A reader may see a change in one of the two a moment before the other.
/// <para>Names are packed; what is asked for is unpacked, and the texts of what was asked for lately are kept.</para>
/// </summary>
internal sealed class NameIndex
{
    /// <summary>Names whose texts are kept: some hundred kilobytes.</summary>
    private const int RecentNames = 512;

    private readonly ObjectTable<byte[]> _byContent = new(bytes => HashOf(new PackedName(bytes).Content));
    private readonly Recent?[] _recent = new Recent?[RecentNames];
    private volatile NamePages _pages;

    public NameIndex(NamePages pages)
    {
        _pages = pages;
        foreach (var name in pages.All)
            _byContent.Add(name.Bytes);
    }

    public int Count => _pages.Count;

    /// <summary>All names in listing order, as of now.</summary>
    public NamePages Pages => _pages;

    public bool TryGet(string key, [MaybeNullWhen(false)] out NameEntry entry)
    {
        entry = TryFind(key, out var name) ? Unpack(name, key) : null;
        return entry is not null;
    }

    /// <summary>The packed name of a key.</summary>
    public bool TryFind(string key, out PackedName name)
    {
        name = default;
        Span<byte> bytes = stackalloc byte[Limits.KeyBytes];
        return key.Length <= bytes.Length
            && Utf8.FromUtf16(key, bytes, out _, out var length, replaceInvalidSequences: false)
                == System.Buffers.OperationStatus.Done
            && _pages.TryFind(bytes[..length], out name);
    }

    /// <summary>What is known now of a name that was in a snapshot; null if it is gone.</summary>
    public NameEntry? Now(PackedName name) =>
        _pages.TryFind(name.Key, out var now) ? Unpack(now, null) : null;

    public ImmutableArray<NameEntry> NamesOf(ContentId content)
    {
        var names = ImmutableArray.CreateBuilder<NameEntry>();
        foreach (var bytes in _byContent.Of(HashOf(content)))
            if (new PackedName(bytes) is var name && name.Content == content)
                names.Add(Unpack(name, null));
        names.Sort(static (one, other) => Utf8Order.Instance.Compare(one.Key, other.Key));
        return names.DrainToImmutable();
    }

    /// <summary>Whether a content has names, and whether any of them is pinned.</summary>
    public (bool IsNamed, bool IsPinned) KeepOf(ContentId content)
    {
        var (isNamed, isPinned) = (false, false);
        foreach (var bytes in _byContent.Of(HashOf(content)))
        {
            var name = new PackedName(bytes);
            if (name.Content != content)
                continue;
            isNamed = true;
            isPinned |= name.Pinned;
        }

        return (isNamed, isPinned);
    }

    public void Put(PackedName name)
    {
        if (!_pages.TryFind(name.Key, out var old))
        {
            _byContent.Add(name.Bytes);
            _pages = _pages.Add(name);
            return;
        }

        if (old.VersionFields.SequenceEqual(name.VersionFields))
        {
            old.Follow(name);
            return;
        }

        if (old.Content == name.Content)
            _byContent.Replace(old.Bytes, name.Bytes);
        else
            _byContent.Add(name.Bytes);
        _pages = _pages.Replace(name);
        if (old.Content != name.Content)
            _byContent.Remove(old.Bytes);
    }

    public bool Remove(string key)
    {
        if (!TryFind(key, out var old))
            return false;
        _pages = _pages.Remove(old.Key);
        _byContent.Remove(old.Bytes);
        return true;
    }

    private static uint HashOf(ContentId content) => (uint)content.GetHashCode();

    private NameEntry Unpack(PackedName name, string? key)
    {
        ref var place = ref _recent[HashOf(name.Content) % RecentNames];
        if (Volatile.Read(ref place) is not { } recent || !ReferenceEquals(recent.Bytes, name.Bytes))
            Volatile.Write(ref place, recent = new Recent(name.Bytes, key ?? name.KeyText, name.ToVersion()));
        return name.ToEntry(recent.Key, recent.Version);
    }

    private sealed record Recent(byte[] Bytes, string Key, ObjectVersion Version);
}
