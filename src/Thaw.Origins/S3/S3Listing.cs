using System.Collections.Immutable;
using Amazon.S3.Model;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;

namespace Thaw.Origins.S3;

/// <summary>From one ListObjectsV2 answer to entries relative to the mount, merged in UTF-8 byte order.</summary>
internal static class S3Listing
{
    /// <summary>Keys and common prefixes of an answer; the mount's own marker object is no entry.</summary>
    /// <param name="answer">One page.</param>
    /// <param name="mountPrefix">What is cut off in front.</param>
    /// <param name="decode">Undoes the encoding that was asked for.</param>
    public static ImmutableArray<ListEntry> EntriesOf(
        ListObjectsV2Response answer, string mountPrefix, Func<string, string> decode)
    {
        var entries = ImmutableArray.CreateBuilder<ListEntry>();
        foreach (var item in answer.S3Objects ?? [])
            if (Relative(decode(item.Key), mountPrefix) is { } key)
                entries.Add(new ListEntry(key, item.Size ?? 0, S3Versions.Quoted(item.ETag ?? ""),
                    S3Versions.WholeSeconds(item.LastModified)));
        foreach (var prefix in answer.CommonPrefixes ?? [])
            if (Relative(decode(prefix), mountPrefix) is { } key)
                entries.Add(ListEntry.CommonPrefix(key));
        entries.Sort(static (x, y) => KeyOrder.Instance.Compare(x.Key, y.Key));
        return entries.DrainToImmutable();
    }

    private static string? Relative(string key, string mountPrefix) =>
        key.Length > mountPrefix.Length && key.StartsWith(mountPrefix, StringComparison.Ordinal)
            ? key[mountPrefix.Length..]
            : null;
}
