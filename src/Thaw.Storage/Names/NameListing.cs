using System.Collections.Immutable;
using Thaw.Core;
using Thaw.Core.Contracts;

namespace Thaw.Storage.Names;

/// <summary>
/// Pages through a sorted snapshot of keys. A page costs the entries it returns and a search for each, never a scan:
/// all keys below a common prefix are skipped by a search for the first key behind them.
/// </summary>
internal static class NameListing
{
    /// <summary>One page; entries that <paramref name="find"/> no longer knows are left out.</summary>
    public static ListPage Page(ImmutableSortedSet<string> keys, Func<string, NameEntry?> find, ListRequest request)
    {
        var most = Math.Clamp(request.MaxKeys, 0, Limits.ListPageKeys);
        if (most == 0)
            return new ListPage([], false);
        var entries = ImmutableArray.CreateBuilder<ListEntry>();
        for (var at = First(keys, request.Prefix, request.StartAfter); at < keys.Count;)
        {
            var key = keys[at];
            if (!key.StartsWith(request.Prefix, StringComparison.Ordinal))
                break;
            var next = at + 1;
            if (EntryAt(keys, find, request, key, ref next) is { } entry)
            {
                if (entries.Count == most)
                    return new ListPage(entries.DrainToImmutable(), true);
                entries.Add(entry);
            }

            at = next;
        }

        return new ListPage(entries.DrainToImmutable(), false);
    }

    /// <summary>The keys with a prefix, in order.</summary>
    public static IEnumerable<string> WithPrefix(ImmutableSortedSet<string> keys, string prefix)
    {
        for (var at = LowerBound(keys, prefix); at < keys.Count; at++)
        {
            var key = keys[at];
            if (!key.StartsWith(prefix, StringComparison.Ordinal))
                yield break;
            yield return key;
        }
    }

    private static ListEntry? EntryAt(
        ImmutableSortedSet<string> keys, Func<string, NameEntry?> find, ListRequest request, string key, ref int next)
    {
        var cut = string.IsNullOrEmpty(request.Delimiter)
            ? -1
            : key.IndexOf(request.Delimiter, request.Prefix.Length, StringComparison.Ordinal);
        if (cut < 0)
        {
            return find(key) is { Version: var version }
                ? new ListEntry(key, version.SizeBytes, version.ETag, version.LastModified)
                : null;
        }

        var common = ListEntry.CommonPrefix(key[..(cut + request.Delimiter!.Length)]);
        next = Behind(keys, next, common.Key);

        // Keys that begin with the very code point that ResumeAfter adds lie behind it and must not bring the same
        // common prefix back: a reader of one entry a page would never get past it.
        return request.StartAfter == common.ResumeAfter ? null : common;
    }

    private static int First(ImmutableSortedSet<string> keys, string prefix, string startAfter)
    {
        if (Utf8Order.Instance.Compare(prefix, startAfter) > 0)
            return LowerBound(keys, prefix);
        var at = keys.IndexOf(startAfter);
        return at < 0 ? ~at : startAfter.Length == 0 ? at : at + 1;
    }

    private static int LowerBound(ImmutableSortedSet<string> keys, string key)
    {
        var at = keys.IndexOf(key);
        return at < 0 ? ~at : at;
    }

    // Keys with one prefix are neighbours: gallop over them, then halve.
    private static int Behind(ImmutableSortedSet<string> keys, int from, string prefix)
    {
        var (low, step) = (from, 1);
        while (low + step - 1 < keys.Count && keys[low + step - 1].StartsWith(prefix, StringComparison.Ordinal))
        {
            low += step;
            step *= 2;
        }

        var high = Math.Min(keys.Count, low + step - 1);
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (keys[middle].StartsWith(prefix, StringComparison.Ordinal))
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
