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
    public static Task<Failure?> FetchAsync(ChunkFlight flight, OriginCause cause, CancellationToken cancellationToken)
    {
        flight.Tier = Tier.Origin;
        return ReceiveAsync(
            flight, flight.ReadyBlocks * Geometry.BlockBytes, flight.Length, cause, flight.Publish, cancellationToken);
    }

    /// <summary>Receives a part of the chunk into its place.</summary>
    public static async Task<Failure?> ReceiveAsync(
        ChunkFlight flight, int start, int end, OriginCause cause, Action<int> progress,
        CancellationToken cancellationToken)
    {
        var source = flight.Source;
        var range = new ByteRange(Geometry.ChunkOffset(flight.Chunk) + start, end - start);
        var read = new OriginRead(source.Key, source.Version, range, cause);
        var opened = await source.Catalog.Origin.OpenAsync(read, cancellationToken).ConfigureAwait(false);
        if (!opened.TryGet(out var body, out var refused))
            return refused;
        await using (body.ConfigureAwait(false))
        {
            for (var received = start; received < end;)
            {
                var piece = await body.ReadAsync(flight.Buffer.Memory[received..end], cancellationToken)
                    .ConfigureAwait(false);
                if (!piece.TryGet(out var bytes, out var failure))
                    return failure;
                if (bytes == 0)
                    return new Failure(FailureKind.OriginProtocol,
                        $"{source.Catalog.Origin.Name} sent too few bytes of {source.Key}.", RetryAdvice.Later);
                received += bytes;
                progress(received);
            }
        }

        return null;
    }
}
