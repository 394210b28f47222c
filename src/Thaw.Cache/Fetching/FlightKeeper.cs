using Thaw.Cache.Verifying;
using Thaw.Core.Configuration;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Fetching;

/// <summary>Puts whole chunks on disk. Any thread.</summary>
internal sealed class FlightKeeper(ChunkStore store, VersionVerifier verifier)
{
    /// <summary>
    /// Writes the chunk if it is worth it; once more if its version was dropped meanwhile, which makes the files anew.
    /// </summary>
    public async Task<bool> KeepAsync(ChunkFlight flight)
    {
        for (var isRetry = false; ; isRetry = true)
        {
            if (flight.IsTainted || !store.IsWorth(flight.Source.Version, flight.Length, WishOf(flight)))
                return false;
            var leased = await store.LeaseOrCreateAsync(flight.Source.Version, CancellationToken.None)
                .ConfigureAwait(false);
            if (!leased.TryGet(out var lease, out _))
                return false;
            using (lease)
            {
                // The disk's own pin: a stuck disk keeps this buffer, and no other, until it answers.
                if (!flight.TryPin())
                    return false;
                var write = new ChunkWrite(
                    flight.Chunk, flight.Buffer.Memory[..flight.Length], flight.BlockCrcs, flight.Crc64,
                    flight.WrittenBlocks);
                var written = await store.WriteChunkAsync(lease, write, flight.Unpin).ConfigureAwait(false);
                if (lease.Version.IsDropped && !isRetry)
                    continue;
                if (written.IsOk && lease.Version.IsComplete)
                    _ = verifier.Enqueue(flight.Source);
                return written.IsOk;
            }
        }
    }

    private static KeepWish WishOf(ChunkFlight flight) =>
        flight.IsWanted || flight.Source.Catalog.Config.Keep == KeepMode.Always ? KeepWish.Always : KeepWish.IfWorth;
}
