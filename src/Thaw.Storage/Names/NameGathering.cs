using System.Runtime.InteropServices;

namespace Thaw.Storage.Names;

/// <summary>
/// Names while a log is read, in the order of their keys. A log that was rewritten has them in order, so that each goes
/// to the end. One caller.
/// </summary>
internal sealed class NameGathering
{
    private readonly List<List<PackedName>> _pages = [];

    public int Count { get; private set; }

    public IEnumerable<PackedName> All => _pages.SelectMany(page => page);

    public bool TryFind(ReadOnlySpan<byte> key, out PackedName name)
    {
        var (page, slot) = PlaceOf(key);
        var isHere = page < _pages.Count && slot < _pages[page].Count && _pages[page][slot].Key.SequenceEqual(key);
        name = isHere ? _pages[page][slot] : default;
        return isHere;
    }

    public void Put(PackedName name)
    {
        var (at, slot) = PlaceOf(name.Key);
        if (at == _pages.Count)
            _pages.Add(new List<PackedName>(NamePages.PageNames));
        var page = _pages[at];
        if (slot < page.Count && page[slot].Key.SequenceEqual(name.Key))
        {
            page[slot] = name;
            return;
        }

        Count++;
        if (page.Count < NamePages.PageNames)
        {
            page.Insert(slot, name);
            return;
        }

        // Names that come in order leave full pages behind.
        var half = slot == page.Count ? page.Count : page.Count / 2;
        var right = new List<PackedName>(NamePages.PageNames);
        right.AddRange(page[half..]);
        page.RemoveRange(half, page.Count - half);
        _pages.Insert(at + 1, right);
        if (slot < half)
            page.Insert(slot, name);
        else
            right.Insert(slot - half, name);
    }

    public void Remove(ReadOnlySpan<byte> key)
    {
        if (!TryFind(key, out _))
            return;
        var (page, slot) = PlaceOf(key);
        _pages[page].RemoveAt(slot);
        if (_pages[page].Count == 0)
            _pages.RemoveAt(page);
        Count--;
    }

    public NamePages ToPages() => new([.. _pages.Select(page => page.ToArray())], Count);

    /// <summary>Where a key is or would go.</summary>
    private (int Page, int Slot) PlaceOf(ReadOnlySpan<byte> key)
    {
        if (_pages.Count == 0)
            return default;
        var last = _pages[^1];
        if (last[^1].Key.SequenceCompareTo(key) < 0)
            return (_pages.Count - 1, last.Count);
        var (low, high) = (0, _pages.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (_pages[middle][0].Key.SequenceCompareTo(key) <= 0)
                low = middle;
            else
                high = middle - 1;
        }

        return (low, NamePages.LowerBound(CollectionsMarshal.AsSpan(_pages[low]), key));
    }
}
