using System.Collections.Immutable;
using Thaw.Core;
using Thaw.Core.Contracts;

namespace Thaw.Origins.Directory;

/// <summary>One page from a walk: rolls keys up at the delimiter and stops when the page is full.</summary>
internal static class DirectoryListing
{
    /// <summary>Fills a page; the walk says afterwards whether it broke.</summary>
    public static ListPage Page(DirectoryWalk walk, ListRequest request, CancellationToken cancellationToken)
    {
        var most = Math.Clamp(request.MaxKeys, 1, Limits.ListPageKeys);
        var entries = ImmutableArray.CreateBuilder<ListEntry>();
        while (walk.Next(cancellationToken) is { } found)
        {
            if (entries.Count == most)
                return new ListPage(entries.DrainToImmutable(), true);
            var entry = RolledUp(found.Key, request) is { } prefix
                ? ListEntry.CommonPrefix(prefix)
                : new ListEntry(found.Key, found.Stamp.SizeBytes, found.Stamp.ETag, found.Stamp.LastModified);
            entries.Add(entry);
            walk.StartAfter = entry.ResumeAfter;
        }

        return new ListPage(entries.DrainToImmutable(), false);
    }

    private static string? RolledUp(string key, ListRequest request)
    {
        if (string.IsNullOrEmpty(request.Delimiter))
            return null;
        var at = key.IndexOf(request.Delimiter, request.Prefix.Length, StringComparison.Ordinal);
        return at < 0 ? null : key[..(at + request.Delimiter.Length)];
    }
}
