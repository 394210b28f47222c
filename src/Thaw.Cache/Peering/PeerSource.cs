using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Core.Placing;
using Thaw.Core.Planning;

namespace Thaw.Cache.Peering;

/// <summary>
/// Bytes from the chunk's owner, from whom the owner names, or, where this node is the owner, from the origin. Each
/// attempt goes on behind the last block that came. A peer that fails is not asked for this chunk again; when nobody
/// before this node is left, it asks the origin itself and the ledger says why. An owner that has much to send may name
/// this node itself: then it fetches for all, in the owner's place.
/// </summary>
internal sealed class PeerSource(
    PeerNetwork network, PeerHome home, PromisedChunks promised, ILogger<PeerSource> logger) : IChunkSource
{
    private readonly ConcurrentDictionary<ContentId, (long At, Task<ImmutableArray<PeerHolding>> Holders)> _holders =
        new();

    public bool IsRemote(FetchSource source, int chunk) =>
        source.Catalog.Store is not null && network.Now is var view
        && ChunkRoute.IsRemote(
            view.Placement, view.Self, PlacementKey.OfChunk(source.Version.Id, source.Version.SizeBytes, chunk));

    public async Task<Failure?> FetchAsync(ChunkFlight flight, CancellationToken cancellationToken)
    {
        if (flight.Source.Catalog.Store is not { } store)
            return await OriginSource.FetchAsync(flight, flight.Cause, cancellationToken).ConfigureAwait(false);
        var fetch = new Attempts(flight, new PeerPlace(store, flight.Source.Catalog.FullKey(flight.Source.Key)));
        while (true)
        {
            var view = network.Now;
            var step = ChunkRoute.Next(view.Placement, view.Self, fetch.Key, index => HealthOf(view, index, fetch));
            switch (step.Kind)
            {
                case RouteKind.Wait:
                    await network.WaitForChangeAsync(view, cancellationToken).ConfigureAwait(false);
                    break;
                case RouteKind.Ask:
                    var owner = view.MemberAt(step.Member).Name;
                    if (await AskAsync(fetch, owner, fetch.CauseOf(step), cancellationToken).ConfigureAwait(false))
                        return fetch.Failure;
                    break;
                default:
                    return await FetchAsOwnerAsync(fetch, fetch.CauseOf(step), cancellationToken)
                        .ConfigureAwait(false);
            }
        }
    }

    /// <summary>From a node that holds it, since the members may have changed; else from the origin.</summary>
    private async Task<Failure?> FetchAsOwnerAsync(
        Attempts fetch, OriginCause cause, CancellationToken cancellationToken)
    {
        if (await AskStandInAsync(fetch, cancellationToken).ConfigureAwait(false)
            || await AskHoldersAsync(fetch, isFresh: false, cancellationToken).ConfigureAwait(false))
            return null;
        var failure = await OriginSource.FetchAsync(fetch.Flight, cause, cancellationToken).ConfigureAwait(false);
        return failure is { Kind: FailureKind.OriginUnavailable or FailureKind.Throttled }
            && await AskHoldersAsync(fetch, isFresh: true, cancellationToken).ConfigureAwait(false)
            ? null : failure;
    }

    /// <summary>From a node that fetches it, or has fetched it, in this one's place.</summary>
    private async Task<bool> AskStandInAsync(Attempts fetch, CancellationToken cancellationToken)
    {
        var id = fetch.Flight.Source.Version.Id;
        if (promised.StandInOf(id, fetch.Flight.Chunk) is not { } node || fetch.Passed.Contains(node)
            || !network.IsUsable(node))
            return false;
        var end = await AskOneAsync(fetch, node, Role.StandIn, fetch.Flight.Cause, cancellationToken)
            .ConfigureAwait(false);
        if (end.End == PeerEnd.Complete)
            return true;
        fetch.Passed.Add(node);
        promised.Forget(id, fetch.Flight.Chunk, node);
        return false;
    }

    private async Task<bool> AskHoldersAsync(Attempts fetch, bool isFresh, CancellationToken cancellationToken)
    {
        var holdings = await HoldersOfAsync(fetch, isFresh, cancellationToken).ConfigureAwait(false);
        var asked = 0;
        foreach (var holding in holdings)
        {
            if (holding.Node == network.Self || !holding.Chunks.Has(fetch.Flight.Chunk)
                || fetch.Passed.Contains(holding.Node) || !network.IsUsable(holding.Node))
                continue;
            var end = await AskOneAsync(fetch, holding.Node, Role.Holder, fetch.Flight.Cause, cancellationToken)
                .ConfigureAwait(false);
            if (end.End == PeerEnd.Complete)
                return true;
            fetch.Passed.Add(holding.Node);
            if (++asked == Limits.HoldersAsked)
                break;
        }

        return false;
    }

    /// <summary>One question for all chunks of a version that are begun in the same second.</summary>
    private async Task<ImmutableArray<PeerHolding>> HoldersOfAsync(
        Attempts fetch, bool isFresh, CancellationToken cancellationToken)
    {
        var id = fetch.Flight.Source.Version.Id;
        var now = network.Clock.GetTimestamp();
        if (isFresh || !_holders.TryGetValue(id, out var known)
            || network.Clock.GetElapsedTime(known.At, now) > Limits.HaveBatch)
        {
            foreach (var (old, entry) in _holders)
                if (network.Clock.GetElapsedTime(entry.At, now) > Limits.HaveBatch)
                    _holders.TryRemove(old, out _);
            known = (now, home.HoldersAsync(fetch.Place, id, CancellationToken.None).AsTask());
            _holders[id] = known;
        }

        return await known.Holders.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private MemberHealth HealthOf(PeerNetwork.View view, int index, Attempts fetch)
    {
        var member = view.MemberAt(index);
        return fetch.Passed.Contains(member.Name) ? MemberHealth.Passed : network.HealthOf(member);
    }

    /// <summary>Asks an owner, and whomever it names; true when the fetch is over.</summary>
    private async Task<bool> AskAsync(
        Attempts fetch, string owner, OriginCause cause, CancellationToken cancellationToken)
    {
        var node = owner;
        while (true)
        {
            var isHolder = node != owner;
            var end = await AskOneAsync(fetch, node, isHolder ? Role.Holder : Role.Owner, cause, cancellationToken)
                .ConfigureAwait(false);
            switch (end.End)
            {
                case PeerEnd.Complete:
                    return true;
                case PeerEnd.Redirected when !isHolder && end.Node == network.Self && !fetch.IsFinal:
                    fetch.Failure = await FetchAsOwnerAsync(fetch, cause, cancellationToken).ConfigureAwait(false);
                    if (fetch.Failure is not { Kind: FailureKind.OriginUnavailable or FailureKind.AccessDenied })
                        return true;
                    // The owner may come through to the origin where this node does not.
                    fetch.Failure = null;
                    fetch.IsFinal = true;
                    continue;
                case PeerEnd.Redirected when !isHolder && end.Node is { } other && !fetch.Passed.Contains(other)
                    && network.IsUsable(other):
                    node = other;
                    continue;
                case PeerEnd.Redirected when !isHolder:
                    fetch.IsFinal = true;
                    continue;
                case PeerEnd.Corrupt:
                    fetch.IsRetry = true;
                    break;
                case PeerEnd.Failed when !isHolder && IsOfOrigin(end.Failure):
                    // The owner spoke for the origin: nobody else gets another answer there.
                    fetch.Failure = end.Failure;
                    return true;
            }

            fetch.Passed.Add(node);
            if (!isHolder)
            {
                Log.PeerPassed(
                    logger, node, fetch.Flight.Chunk, fetch.Flight.Source.Key, end.End, end.Failure?.Message);
                return false;
            }

            // The owner is asked once more, and has to answer itself.
            node = owner;
            fetch.IsFinal = true;
        }
    }

    /// <summary>Whether a node's failure is the origin's and not its own.</summary>
    private static bool IsOfOrigin(Failure? failure) =>
        failure is { Retry: not RetryAdvice.Elsewhere, Kind: not (FailureKind.Stopping or FailureKind.Busy) };

    private async Task<PeerFetchEnd> AskOneAsync(
        Attempts fetch, string node, Role role, OriginCause cause, CancellationToken cancellationToken)
    {
        var isHolder = role != Role.Owner;
        var flight = fetch.Flight;
        if (network.Now.Placement.Snapshot.Find(node) is not { } member)
            return new PeerFetchEnd(PeerEnd.Silent, flight.ReadyBlocks);
        flight.Tier = Tier.Peer;
        flight.AskedNode = node;
        try
        {
            var request = new PeerRequest
            {
                Id = flight.Source.Version.Id,
                SizeBytes = flight.Source.Version.SizeBytes,
                Chunk = flight.Chunk,
                FirstBlock = flight.ReadyBlocks,
                Priority = flight.Priority switch
                {
                    FetchPriority.Demand => PeerPriority.Demand,
                    FetchPriority.ReadAhead => PeerPriority.ReadAhead,
                    _ => PeerPriority.Job,
                },
                IsOnlyHeld = isHolder,
                IsFinal = isHolder || fetch.IsFinal,
                CanFetch = !isHolder && !fetch.IsFinal,
                IsToStandIn = role == Role.StandIn,
                Place = fetch.Place,
                Version = isHolder ? null : flight.Source.Version,
                Cause = cause,
            };
            var end = await network.Client.FetchAsync(
                member, new PeerFetch(request, flight.Buffer.Memory[..flight.Length], new Sink(flight)),
                cancellationToken).ConfigureAwait(false);
            if (end.End == PeerEnd.Corrupt)
                await TellAsync(member, new BadBlocksQuestion(request.Id, request.Chunk, 1u << end.NextBlock))
                    .ConfigureAwait(false);
            return end;
        }
        finally
        {
            flight.AskedNode = null;
        }
    }

    /// <summary>
    /// The node looks at its disk, so that the next one who asks is not answered the same; not waited for long.
    /// </summary>
    private async Task TellAsync(ClusterMember member, BadBlocksQuestion bad)
    {
        using var limit = new CancellationTokenSource(Limits.PeerSilence);
        await ((Task)network.Client.AskAsync(member, bad, limit.Token).AsTask())
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>What a node that is asked is to the chunk.</summary>
    private enum Role
    {
        Owner,
        Holder,
        StandIn,
    }

    /// <summary>What has been tried for one flight.</summary>
    private sealed class Attempts(ChunkFlight flight, PeerPlace place)
    {
        public ChunkFlight Flight => flight;

        public PeerPlace Place => place;

        public PlacementKey Key { get; } =
            PlacementKey.OfChunk(flight.Source.Version.Id, flight.Source.Version.SizeBytes, flight.Chunk);

        public HashSet<string> Passed { get; } = new(StringComparer.Ordinal);

        public bool IsFinal { get; set; }

        public bool IsRetry { get; set; }

        public Failure? Failure { get; set; }

        public OriginCause CauseOf(RouteStep step) =>
            IsRetry ? OriginCause.Retry : step.IsTakeover ? OriginCause.Takeover : flight.Cause;
    }

    /// <summary>Hands blocks to the flight as they are checked.</summary>
    private sealed class Sink(ChunkFlight flight) : IBlockSink
    {
        public void BlockChecked(int block, uint crc) => flight.Accept(block, crc);

        public void Waiting(PeerWait reason) => flight.Reason = reason;
    }
}
