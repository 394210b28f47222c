using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Fetching;

/// <summary>
/// Mends a chunk of which the disk still has good blocks by fetching the bad ones alone; everything else comes from the
/// source behind it.
/// </summary>
internal sealed class RepairSource(ChunkStore store, IChunkSource inner) : IChunkSource
{
    public bool IsRemote(FetchSource source, int chunk) => inner.IsRemote(source, chunk);

    public async Task<Failure?> FetchAsync(ChunkFlight flight, CancellationToken cancellationToken)
    {
        if (await SalvageAsync(flight, cancellationToken).ConfigureAwait(false) is { } damaged
            && await RepairAsync(flight, damaged, cancellationToken).ConfigureAwait(false))
            return null;
        return await inner.FetchAsync(flight, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What the disk still has of a chunk that was found damaged, in the flight's buffer.</summary>
    private async Task<DamagedChunk?> SalvageAsync(ChunkFlight flight, CancellationToken cancellationToken)
    {
        using var lease = await store.LeaseAsync(flight.Source.Version.Id, cancellationToken).ConfigureAwait(false);
        if (lease is null || flight.Chunk >= lease.Version.ChunkCount)
            return null;
        var damaged = await lease.Version.SalvageAsync(
            flight.Chunk, flight.Buffer.Memory[..flight.Length], cancellationToken).ConfigureAwait(false);
        return damaged?.BadBlocks == uint.MaxValue >> (32 - Geometry.BlockCount(flight.Length)) ? null : damaged;
    }

    /// <summary>
    /// Fetches the bad blocks alone. False if that does not make the chunk that it was: then all of it is fetched, and
    /// the origin decides.
    /// </summary>
    private static async Task<bool> RepairAsync(
        ChunkFlight flight, DamagedChunk damaged, CancellationToken cancellationToken)
    {
        for (var block = 0; block < Geometry.BlockCount(flight.Length); block++)
        {
            if ((damaged.BadBlocks & (1u << block)) == 0)
                continue;
            var first = block;
            while (block + 1 < Geometry.BlockCount(flight.Length) && (damaged.BadBlocks & (1u << (block + 1))) != 0)
                block++;
            var end = Math.Min(flight.Length, (block + 1) * Geometry.BlockBytes);
            if (await OriginSource.ReceiveAsync(
                flight, first * Geometry.BlockBytes, end, flight.Cause, static _ => { }, cancellationToken)
                    .ConfigureAwait(false) is not null)
                return false;
            for (; first <= block; first++)
                if (flight.ComputeCrc(first) != damaged.BlockCrcs[first])
                    return false;
        }

        flight.WrittenBlocks = damaged.BadBlocks;
        flight.Publish(flight.Length);
        return true;
    }
}
