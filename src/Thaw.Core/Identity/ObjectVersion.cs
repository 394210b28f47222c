using System.Collections.Immutable;

namespace Thaw.Core.Identity;

/// <summary>What an object was at one moment: its identity, and the headers that readers see.</summary>
public sealed record ObjectVersion
{
    /// <summary>Identity of the bytes.</summary>
    public required ContentId Id { get; init; }

    /// <summary>Size in bytes, 0 or more.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Entity tag with its quotes, as the origin sends it (RFC 9110, 8.8.3).</summary>
    public required string ETag { get; init; }

    /// <summary>When the origin last changed it, to the second.</summary>
    public required DateTimeOffset LastModified { get; init; }

    /// <summary>Media type, if the origin names one.</summary>
    public string? ContentType { get; init; }

    /// <summary>User metadata: names without <c>x-amz-meta-</c>, lower case.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Full-object sum, if the origin publishes one.</summary>
    public OriginSum? Sum { get; init; }

    /// <summary>
    /// The origin has no strong versions (directory, NFS, plain HTTP): promises that cannot hold say so.
    /// </summary>
    public bool IsWeak { get; init; }
}
