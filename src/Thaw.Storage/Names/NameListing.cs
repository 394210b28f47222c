using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Thaw.Core;
using Thaw.Core.Contracts;

namespace Thaw.Storage.Names;

/// <summary>
/// Pages through a sorted snapshot of names. A page costs the entries it returns and a search for each, never a scan:
/// all keys below a common prefix are skipped by a search for the first key behind them.
/// </summary>
internal static class NameListing
{
    /// <summary>One page, as of the snapshot.</summary>
    public static ListPage Page(NamePages names, ListRequest request)
    {
        var most = Math.Clamp(request.MaxKeys, 0, Limits.ListPageKeys);
        if (most == 0 || ToBytes(request.Prefix) is not { } prefix)
            return new ListPage([], false);
        var delimiter = Encoding.UTF8.GetBytes(request.Delimiter ?? "");
        var entries = ImmutableArray.CreateBuilder<ListEntry>();
        var at = First(names, prefix, Encoding.UTF8.GetBytes(request.StartAfter));
        while (names.TryAt(at, out var name) && name.Key.StartsWith(prefix))
        {
            var next = names.Next(at);
            if (EntryAt(names, request, name, (prefix.Length, delimiter), ref next) is { } entry)
            {
                if (entries.Count == most)
                    return new ListPage(entries.DrainToImmutable(), true);
                entries.Add(entry);
            }

            at = next;
        }

        return new ListPage(entries.DrainToImmutable(), false);
    }

    /// <summary>The names whose keys have a prefix, in order.</summary>
    public static IEnumerable<PackedName> WithPrefix(NamePages names, string prefix)
    {
        if (ToBytes(prefix) is not { } bytes)
            yield break;
        for (var at = names.LowerBound(bytes); names.TryAt(at, out var name); at = names.Next(at))
        {
            if (!name.Key.StartsWith(bytes))
                yield break;
            yield return name;
        }
    }

    private static ListEntry? EntryAt(
        NamePages names, ListRequest request, PackedName name, (int PrefixLength, byte[] Delimiter) shape,
        ref NamePlace next)
    {
        var cut = shape.Delimiter.Length == 0 ? -1 : name.Key[shape.PrefixLength..].IndexOf(shape.Delimiter);
        if (cut < 0)
        {
            var version = name.ToVersion();
            return new ListEntry(name.KeyText, version.SizeBytes, version.ETag, version.LastModified);
        }

        var group = name.Key[..(shape.PrefixLength + cut + shape.Delimiter.Length)];
        next = Behind(names, group);
        var common = ListEntry.CommonPrefix(Encoding.UTF8.GetString(group));

        // Keys that begin with the very code point that ResumeAfter adds lie behind it and must not bring the same
        // common prefix back: a reader of one entry a page would never get past it.
        return request.StartAfter == common.ResumeAfter ? null : common;
    }

    private static NamePlace First(NamePages names, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> startAfter)
    {
        if (prefix.SequenceCompareTo(startAfter) > 0)
            return names.LowerBound(prefix);
        var at = names.LowerBound(startAfter);
        return startAfter.Length > 0 && names.TryAt(at, out var name) && name.Key.SequenceEqual(startAfter)
            ? names.Next(at) : at;
    }

    /// <summary>
    /// The first place behind all keys with a prefix: no byte of UTF-8 is FF, so that its last can be one more.
    /// </summary>
    private static NamePlace Behind(NamePages names, ReadOnlySpan<byte> prefix)
    {
        byte[] behind = [.. prefix];
        behind[^1]++;
        return names.LowerBound(behind);
    }

    /// <summary>The text's bytes; null if no key can have it, as it is not well-formed.</summary>
    private static byte[]? ToBytes(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return Utf8.FromUtf16(text, bytes, out _, out var length, replaceInvalidSequences: false)
            == System.Buffers.OperationStatus.Done ? bytes[..length] : null;
    }
}
