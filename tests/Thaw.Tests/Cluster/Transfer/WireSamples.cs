using System.Collections.Immutable;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>Values with every part filled.</summary>
internal static class WireSamples
{
    public static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    public static readonly ObjectVersion Version = new()
    {
        Id = ContentId.FromBytes([.. Enumerable.Range(0, 32).Select(at => (byte)at)]),
        SizeBytes = 0x1234567890,
        ETag = "\"etag\"",
        LastModified = Time,
        ContentType = "application/octet-stream",
        Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("a", "1").Add("name", "ü"),
        Sum = new OriginSum(SumKind.Crc32C, [1, 2, 3, 4]),
        IsWeak = true,
    };

    public static readonly ListPage Page = new(
        [new ListEntry("model/a", 5, "\"e\"", Time), ListEntry.CommonPrefix("model/b/")], true);
}
