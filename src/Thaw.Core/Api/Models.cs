using System.Collections.Immutable;

namespace Thaw.Core.Api;

/// <summary>One mount and what is cached of it.</summary>
/// <param name="Name">Name: S3 bucket and top folder.</param>
/// <param name="Bucket">The bucket name that S3 clients use.</param>
/// <param name="Origin">Origin URL.</param>
/// <param name="Endpoint">Endpoint of an S3-compatible service, if configured.</param>
/// <param name="Objects">Objects known on this node.</param>
/// <param name="CachedBytes">Bytes cached on this node; bytes shared by several names count for each.</param>
/// <param name="OriginBytes">Body bytes read from the origin since start.</param>
/// <param name="OriginReachable">False while the last request to the origin failed.</param>
public sealed record MountStatus(
    string Name, string Bucket, string Origin, string? Endpoint, long Objects, long CachedBytes, long OriginBytes,
    bool OriginReachable);

/// <summary>One object and what of it is here.</summary>
/// <param name="Path"><c>mount/key</c>; a common prefix ends in a slash.</param>
/// <param name="SizeBytes">Size in bytes.</param>
/// <param name="CachedBytes">Bytes of this version on this node.</param>
/// <param name="ETag">Entity tag with quotes.</param>
/// <param name="ContentId">Identity of the version, or null if only listed so far.</param>
/// <param name="LastModified">When it was last changed at the origin.</param>
/// <param name="ContentType">Media type.</param>
/// <param name="Verified"><c>none</c> until complete; <c>transport</c>; <c>origin</c> once the origin's own sum
/// matched.</param>
/// <param name="Crc32C">CRC-32C of the whole object, 8 hex digits, once the node has all of it.</param>
/// <param name="Pinned">Kept for certain.</param>
/// <param name="LastUsed">When it was last read on this node.</param>
/// <param name="Holders">Names of the nodes that hold bytes of it.</param>
public sealed record ObjectStatus(
    string Path, long SizeBytes, long CachedBytes, string ETag, string? ContentId, DateTimeOffset LastModified,
    string? ContentType, string Verified, string? Crc32C, bool Pinned, DateTimeOffset? LastUsed,
    ImmutableArray<string> Holders);

/// <summary>A page of objects.</summary>
/// <param name="Objects">The objects, in key order.</param>
/// <param name="Continuation">Pass it to get the next page; null at the end.</param>
/// <param name="Stale">True while the origin is not reachable: only known objects are listed.</param>
public sealed record ObjectPage(ImmutableArray<ObjectStatus> Objects, string? Continuation, bool Stale);

/// <summary>Asks for a job.</summary>
/// <param name="Kind"><c>load</c> or <c>verify</c>.</param>
/// <param name="Paths">Objects, prefixes (trailing slash) or globs.</param>
/// <param name="On"><c>all</c>, <c>owners</c>, <c>local</c> or a number of nodes.</param>
/// <param name="BandwidthBytesPerSecond">Most bytes a second from the origin; null: no cap of its own.</param>
public sealed record JobRequest(
    string Kind, ImmutableArray<string> Paths, string On = "all", long? BandwidthBytesPerSecond = null);

/// <summary>A job and its progress, computed from what is on the disks.</summary>
/// <param name="Id">Identity.</param>
/// <param name="Kind"><c>load</c> or <c>verify</c>.</param>
/// <param name="State"><c>running</c>, <c>done</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Paths">As asked.</param>
/// <param name="On">As asked.</param>
/// <param name="Objects">Objects found so far.</param>
/// <param name="TotalBytes">Their size.</param>
/// <param name="PresentBytes">Bytes of them that are here (load), or that were checked (verify).</param>
/// <param name="VerifiedObjects">Objects complete and checked.</param>
/// <param name="BadBlocks">Blocks whose check failed (verify).</param>
/// <param name="StartedAt">Start.</param>
/// <param name="EndedAt">End, or null.</param>
/// <param name="Errors">At most 20 sentences, one for each object that failed.</param>
/// <param name="Nodes">Progress on each node.</param>
public sealed record JobStatus(
    string Id, string Kind, string State, ImmutableArray<string> Paths, string On, long Objects, long TotalBytes,
    long PresentBytes, long VerifiedObjects, long BadBlocks, DateTimeOffset StartedAt, DateTimeOffset? EndedAt,
    ImmutableArray<string> Errors, ImmutableArray<JobNode> Nodes);

/// <summary>A job's progress on one node.</summary>
public sealed record JobNode(string Node, long TotalBytes, long PresentBytes);

/// <summary>Paths to free, pin or unpin.</summary>
public sealed record PathsRequest(ImmutableArray<string> Paths);

/// <summary>What was dropped.</summary>
/// <param name="Objects">Objects dropped.</param>
/// <param name="FreedBytes">Bytes given back to the disk.</param>
/// <param name="Pinned">Objects left because they are pinned.</param>
/// <param name="InUse">Objects left because someone reads them now.</param>
public sealed record FreeResult(long Objects, long FreedBytes, long Pinned, long InUse);

/// <summary>What was pinned or unpinned.</summary>
public sealed record PinResult(long Objects, long Bytes);

/// <summary>Whether the node can serve.</summary>
public sealed record ReadyStatus(bool Ready, ImmutableArray<string> Reasons);
