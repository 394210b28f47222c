using System.Collections.Immutable;

namespace Thaw.Core.Api;

/// <summary>Counters since start and gauges of one node.</summary>
public sealed record NodeStats(
    string Node, string Version, double UptimeSeconds, OriginStats Origin, ServedStats Served, PosixStats Posix,
    double? HitRatio, CacheStats Cache, PeerStats Peers, InFlightStats InFlight)
{
    /// <summary>URL of this node's S3 endpoint as it listens, such as <c>http://127.0.0.1:7400</c>.</summary>
    public string? S3Endpoint { get; init; }

    /// <summary>The nodes whose sums these are; null: one node's own.</summary>
    public IReadOnlyList<string>? Nodes { get; init; }
}

/// <summary>Traffic with origins. <c>Bytes</c> counts body bytes of object GETs only, retries included.</summary>
public sealed record OriginStats(long Bytes, long Requests, long Throttled, long Errors, CauseStats Cause);

/// <summary>Origin bytes by cause. <c>Retry</c>: bytes fetched again after a failed check or a lost chunk.</summary>
public sealed record CauseStats(long Reader, long Load, long Revalidate, long Retry, long Takeover);

/// <summary>Bytes that left through each face, by tier.</summary>
public sealed record ServedStats(TierStats S3, TierStats Hub, TierStats Peer);

/// <summary>Bytes by tier: where they came from.</summary>
public sealed record TierStats(long Local, long Peer, long Parent, long Origin);

/// <summary>The POSIX tree. Passthrough reads never reach the node and cannot be counted.</summary>
/// <param name="PassthroughOpens">Files opened by passthrough.</param>
/// <param name="OpenedBytes">Sizes of all files that were opened.</param>
/// <param name="ReadBytes">Bytes that the kernel asked the node for.</param>
public sealed record PosixStats(long PassthroughOpens, long OpenedBytes, long ReadBytes)
{
    /// <summary>Files opened through the page cache of the mount.</summary>
    public long CachedOpens { get; init; }

    /// <summary>Files that are open.</summary>
    public long OpenFiles { get; init; }

    /// <summary>Files and folders that the kernel knows.</summary>
    public long Nodes { get; init; }

    /// <summary>Keys that have no name in the folders that the kernel knows.</summary>
    public long HiddenNames { get; init; }
}

/// <summary>What is kept on this node's disks.</summary>
public sealed record CacheStats(
    long Bytes, long Capacity, long Chunks, long Versions, long EvictedBytes, long CorruptChunks, long LostInCrash,
    ImmutableArray<DiskStats> Disks);

/// <summary>One cache disk.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Bytes">Cached bytes.</param>
/// <param name="Capacity">Most cached bytes.</param>
/// <param name="State"><c>healthy</c>, <c>slow</c>, <c>failing</c> or <c>gone</c>.</param>
public sealed record DiskStats(string Path, long Bytes, long Capacity, string State);

/// <summary>Traffic with other nodes.</summary>
public sealed record PeerStats(long BytesIn, long BytesOut);

/// <summary>What is under way.</summary>
/// <param name="Chunks">Chunks being fetched.</param>
/// <param name="Readers">Open readers.</param>
/// <param name="MemoryBytes">Thaw's own buffers in use.</param>
/// <param name="MemoryCapacity">Their cap (<c>cache.memory</c>).</param>
public sealed record InFlightStats(long Chunks, long Readers, long MemoryBytes, long MemoryCapacity);
