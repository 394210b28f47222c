using Thaw.Core.Failures;

namespace Thaw.Cache.Fetching;

/// <summary>Where the bytes of flights come from.</summary>
internal interface IChunkSource
{
    /// <summary>
    /// Whether a chunk that a reader of this node wants comes from another node, as long as all are well. Called under
    /// the table's lock.
    /// </summary>
    bool IsRemote(FetchSource source, int chunk);

    /// <summary>Brings a flight's bytes from its first block that is not ready on; null when all came.</summary>
    Task<Failure?> FetchAsync(ChunkFlight flight, CancellationToken cancellationToken);
}
