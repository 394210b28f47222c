using Thaw.Core.Contracts;
using Thaw.Storage.Names;

namespace Thaw.Tests.Storage.Names;

/// <summary>A listing computed the plain way: sort by UTF-8 bytes, filter, roll up.</summary>
internal static class NameListingModel
{
    public static List<ListEntry> List(IEnumerable<NameEntry> names, string prefix, string? delimiter,
    string startAfter)
    {
        var listed = new List<ListEntry>();
        foreach (var entry in names.OrderBy(entry => entry.Key, Comparer<string>.Create(NameSamples.ByUtf8)))
        {
            if (!entry.Key.StartsWith(prefix, StringComparison.Ordinal)
                || NameSamples.ByUtf8(entry.Key, startAfter) <= 0)
                continue;
            var cut = delimiter is null ? -1 : entry.Key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal);
            var next = cut < 0
                ? new ListEntry(entry.Key, entry.Version.SizeBytes, entry.Version.ETag, entry.Version.LastModified)
                : ListEntry.CommonPrefix(entry.Key[..(cut + delimiter!.Length)]);
            if (next.IsCommonPrefix && (startAfter == next.ResumeAfter || (listed.Count > 0 && listed[^1] == next)))
                continue;
            listed.Add(next);
        }

        return listed;
    }
}
