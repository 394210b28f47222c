using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Metering;

namespace Thaw.Cache.Fetching;

/// <summary>Bytes from the origin, in one ranged GET.</summary>
internal sealed class OriginSource : IChunkSource
{
    public bool IsRemote(FetchSource source, int chunk) => false;

    public Task<Failure?> FetchAsync(ChunkFlight flight, CancellationToken cancellationToken) =>
        FetchAsync(flight, flight.Cause, cancellationToken);

    /// <summary>The same, for another cause than the flight's.</summary>
    public static async Task<Failure?> FetchAsync(
        ChunkFlight flight, OriginCause cause, CancellationToken cancellationToken)
    {
        flight.Tier = Tier.Origin;
        var source = flight.Source;
        var received = flight.ReadyBlocks * Geometry.BlockBytes;
        var start = Geometry.ChunkOffset(flight.Chunk) + received;
        var read = new OriginRead(
            source.Key, source.Version, new ByteRange(start, flight.Length - received), cause);
        var opened = await source.Catalog.Origin.OpenAsync(read, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGet(out var body, out var refused))
            return refused;
        await using (body.ConfigureAwait(false))
        {
            while (received < flight.Length)
            {
                var piece = await body.ReadAsync(flight.Buffer.Memory[received..flight.Length], cancellationToken)
                    .ConfigureAwait(false);
                if (!piece.TryGet(out var bytes, out var failure))
                    return failure;
                if (bytes == 0)
                    return new Failure(FailureKind.OriginProtocol,
                        $"{source.Catalog.Origin.Name} sent too few bytes of {source.Key}.", RetryAdvice.Later);
                received += bytes;
                flight.Publish(received);
            }
        }

        return null;
    }
}
