using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Core.Placing;
using Thaw.Core.Planning;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Peering;

/// <summary>
/// The peer face: what this node answers others with. A chunk on disk goes from its file, one in flight block by block;
/// one that is neither is begun for whoever asks, unless only held bytes are wanted. Any thread.
/// </summary>
internal sealed class PeerFace(
    PeerNetwork network, MountTable mounts, ChunkStore store, FlightTable flights, PeerHome home,
    PromisedChunks promised) : IPeerService
{
    public long PromisedBytes => promised.Bytes;

    public async ValueTask<PeerSupply> OpenAsync(string node, PeerRequest request, CancellationToken cancellationToken)
    {
        if (!request.IsOnlyHeld && request.Place is { } place && mounts.Find(place) is null)
            return new NotConfiguredSupply();
        if (!request.IsFinal && SendElsewhere(node, request) is { } holder)
            return new RedirectSupply(holder);
        promised.Forget(request.Id, request.Chunk, node);
        var bytes = request.ChunkLength - request.FirstBlock * Geometry.BlockBytes;
        var supply = await FindAsync(node, request, new Promise(promised, bytes), cancellationToken)
            .ConfigureAwait(false);
        if (supply is StoredSupply or FlightSupply)
            promised.Promise(request.Id, request.Chunk, node, bytes);
        return supply;
    }

    /// <summary>
    /// The node that is to be asked instead of this one: another, or the one that asks; null: this one.
    /// </summary>
    private string? SendElsewhere(string node, PeerRequest request)
    {
        var own = new PeerLoad(promised.Bytes, network.Server?.BytesPerSecond ?? 0);
        var holders = promised.HoldersOf(request.Id, request.Chunk)
            .Where(one => network.IsUsable(one.Node))
            .Select(one => new ChunkHolder(one.Node, one.Sent, network.Client.LoadOf(one.Node)))
            .ToImmutableArray();
        if (RedirectRule.Decide(own, Geometry.ChunkBytes, node, holders) is { } holder)
        {
            promised.Redirected(request.Id, request.Chunk, holder, node);
            return holder;
        }

        // Nobody has it, and this node would be the one to fetch it.
        return request.CanFetch && holders.IsEmpty && IsFirst(request)
            && RedirectRule.IsForAsker(own, Geometry.ChunkBytes, network.Client.LoadOf(node))
            && promised.TryStandIn(
                request.Id, request.Chunk, node,
                () => flights.Has(request.Id, request.Chunk) || store.Has(request.Id, request.Chunk))
            ? node : null;
    }

    private bool IsFirst(PeerRequest request)
    {
        var view = network.Now;
        var key = PlacementKey.OfChunk(request.Id, request.SizeBytes, request.Chunk);
        return view.Placement.Primary(key) == view.Self;
    }

    public ValueTask<Result<PeerAnswer>> AnswerAsync(
        string node, PeerQuestion question, CancellationToken cancellationToken) =>
        home.AnswerAsync(node, question, cancellationToken);

    private async ValueTask<PeerSupply> FindAsync(
        string node, PeerRequest request, Promise promise, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Limits.ReadAttempts; attempt++)
        {
            if (await TryStoredAsync(request, promise, cancellationToken).ConfigureAwait(false) is { } stored)
                return stored;
            if (Join(request) is not { } flight)
            {
                if (request.IsOnlyHeld || request.Place is null || request.Version is null)
                    return new FailedSupply(NotHeld);
                continue;
            }

            // Two nodes that take each other for the owner must not wait for each other.
            if (flight.AskedNode == node && !request.IsToStandIn)
            {
                flights.Leave(flight);
                return new FailedSupply(Circle);
            }

            if (flight.TryPin())
                return new Flying(flights, flight, promise);
            flights.Leave(flight);
        }

        return new FailedSupply(new Failure(FailureKind.Corrupt,
            $"Chunk {request.Chunk} is lost as often as it is fetched.", RetryAdvice.Elsewhere));
    }

    private ChunkFlight? Join(PeerRequest request)
    {
        if (request.IsOnlyHeld || request.Place is not { } place || request.Version is not { } version
            || mounts.Find(place) is not { } found)
            return flights.TryJoin(request.Id, request.Chunk);
        var priority = request.Priority switch
        {
            PeerPriority.Demand => FetchPriority.Demand,
            PeerPriority.ReadAhead => FetchPriority.ReadAhead,
            _ => FetchPriority.Job,
        };
        return flights.Join(
            new FetchSource(found.Mount, found.Key, version), request.Chunk, priority, request.Cause, isForPeer: true);
    }

    private async ValueTask<StoredSupply?> TryStoredAsync(
        PeerRequest request, Promise promise, CancellationToken cancellationToken)
    {
        if (await store.LeaseAsync(request.Id, cancellationToken).ConfigureAwait(false) is not { } lease)
            return null;
        var version = lease.Version;
        var place = version.SizeBytes == request.SizeBytes
            ? await version.TryLocateAsync(request.Chunk, cancellationToken).ConfigureAwait(false) : null;
        // One from before an unclean boot is checked first.
        if (place is null && version.SizeBytes == request.SizeBytes && version.Has(request.Chunk)
            && await version.CheckAsync(request.Chunk, cancellationToken).ConfigureAwait(false))
            place = await version.TryLocateAsync(request.Chunk, cancellationToken).ConfigureAwait(false);
        if (place is { } at)
        {
            if (request.Place is { } named && mounts.Find(named) is { } found)
                found.Mount.Meter.AddServed(Face.Peer, Tier.Local, promise.Bytes);
            return new Stored(
                lease, at.File, at.Offset, at.BlockCrcs.AsMemory(0, Geometry.BlockCount(request.ChunkLength)), promise);
        }

        lease.Dispose();
        return null;
    }

    private static readonly Failure NotHeld =
        new(FailureKind.NotFound, "The chunk is not here.", RetryAdvice.Elsewhere);

    private static readonly Failure Circle =
        new(FailureKind.Busy, "This node waits for yours with the same chunk.", RetryAdvice.Elsewhere);

    /// <summary>What is taken back once the answer is sent or given up.</summary>
    private sealed class Promise(PromisedChunks promised, int bytes)
    {
        private int _ended;

        public int Bytes => bytes;

        public void End()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
                promised.Sent(bytes);
        }
    }

    private sealed class Stored(
        VersionLease lease, SafeFileHandle file, long offset, ReadOnlyMemory<uint> crcs, Promise promise) : StoredSupply
    {
        public override SafeFileHandle File => file;

        public override long Offset => offset;

        public override ReadOnlySpan<uint> BlockCrcs => crcs.Span;

        public override void Dispose()
        {
            lease.Dispose();
            promise.End();
            base.Dispose();
        }
    }

    private sealed class Flying(FlightTable flights, ChunkFlight flight, Promise promise) : FlightSupply
    {
        private int _disposed;

        public override ReadOnlyMemory<byte> Bytes => flight.Buffer.Memory[..flight.Length];

        public override int ReadyBlocks => flight.ReadyBlocks;

        public override uint CrcOf(int block) => flight.BlockCrcs[block];

        public override PeerWait Reason => flight.State == FlightState.Queued ? PeerWait.Queue : flight.Reason;

        public override ValueTask<Failure?> WaitAsync(int block, CancellationToken cancellationToken) =>
            flight.WaitAsync(block * Geometry.BlockBytes, cancellationToken);

        public override void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0)
                return;
            flight.Source.Catalog.Meter.AddServed(
                Face.Peer, flight.Tier, flight.IsWhole ? promise.Bytes : 0);
            flight.Unpin();
            flights.Leave(flight);
            promise.End();
            base.Dispose();
        }
    }
}
