using System.Collections.Immutable;

namespace Thaw.Storage.Names;

/// <summary>
/// All names in the order of their keys' bytes, which is that of listings, in pages. A snapshot: a change makes a new
/// one that shares all pages but one or two. A place in it is the number of a page and of a name in it.
/// </summary>
internal sealed class NamePages(ImmutableArray<PackedName[]> pages, int count)
{
    /// <summary>A change copies one page and the list of pages: about as long as each other at 100,000 names.</summary>
    public const int PageNames = 256;

    public static readonly NamePages Empty = new([], 0);

    public int Count => count;

    /// <summary>The first name whose key is not before this one; its place may be the end.</summary>
    public NamePlace LowerBound(ReadOnlySpan<byte> key)
    {
        // The last page that begins before the key, or the first one.
        var (low, high) = (0, pages.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (pages[middle][0].Key.SequenceCompareTo(key) < 0)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0)
            return default;
        var page = low - 1;
        var slot = LowerBound(pages[page], key);
        return slot < pages[page].Length ? new NamePlace(page, slot) : new NamePlace(page + 1, 0);
    }

    /// <summary>The name at a place; false at the end.</summary>
    public bool TryAt(NamePlace place, out PackedName name)
    {
        name = place.Page < pages.Length ? pages[place.Page][place.Slot] : default;
        return place.Page < pages.Length;
    }

    public NamePlace Next(NamePlace place) =>
        place.Slot + 1 < pages[place.Page].Length
            ? place with { Slot = place.Slot + 1 } : new NamePlace(place.Page + 1, 0);

    public bool TryFind(ReadOnlySpan<byte> key, out PackedName name) =>
        TryAt(LowerBound(key), out name) && name.Key.SequenceEqual(key);

    /// <summary>All names, in order.</summary>
    public IEnumerable<PackedName> All => pages.SelectMany(page => page);

    /// <summary>The same with a name more, whose key is not here.</summary>
    public NamePages Add(PackedName name)
    {
        if (pages.IsEmpty)
            return new NamePages([[name]], 1);
        var place = LowerBound(name.Key);
        // Between two pages it goes to the end of the first: keys that come in order fill it.
        if (place.Slot == 0 && place.Page > 0)
            place = new NamePlace(place.Page - 1, pages[place.Page - 1].Length);
        var page = pages[place.Page];
        if (page.Length < PageNames)
            return new NamePages(pages.SetItem(place.Page, Insert(page, place.Slot, name)), count + 1);
        if (place.Slot == PageNames)
            return new NamePages(pages.Insert(place.Page + 1, [name]), count + 1);
        PackedName[] left = page[..(PageNames / 2)], right = page[(PageNames / 2)..];
        if (place.Slot <= left.Length)
            left = Insert(left, place.Slot, name);
        else
            right = Insert(right, place.Slot - left.Length, name);
        return new NamePages(pages.SetItem(place.Page, left).Insert(place.Page + 1, right), count + 1);
    }

    /// <summary>The same with another name of a key that is here.</summary>
    public NamePages Replace(PackedName name)
    {
        var place = LowerBound(name.Key);
        PackedName[] page = [.. pages[place.Page]];
        page[place.Slot] = name;
        return new NamePages(pages.SetItem(place.Page, page), count);
    }

    /// <summary>The same without a key that is here.</summary>
    public NamePages Remove(ReadOnlySpan<byte> key)
    {
        var place = LowerBound(key);
        var page = pages[place.Page];
        return new NamePages(
            page.Length == 1
                ? pages.RemoveAt(place.Page)
                : pages.SetItem(place.Page, [.. page[..place.Slot], .. page[(place.Slot + 1)..]]),
            count - 1);
    }

    /// <summary>The first name in a page whose key is not before this one, or the page's length.</summary>
    public static int LowerBound(ReadOnlySpan<PackedName> page, ReadOnlySpan<byte> key)
    {
        var (low, high) = (0, page.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (page[middle].Key.SequenceCompareTo(key) < 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private static PackedName[] Insert(PackedName[] page, int slot, PackedName name) =>
        [.. page[..slot], name, .. page[slot..]];
}

/// <summary>A place in <see cref="NamePages"/>.</summary>
internal readonly record struct NamePlace(int Page, int Slot);
