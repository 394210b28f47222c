using System.Collections.Immutable;
using Thaw.Cache.Naming;
using Thaw.Core;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Homes;
using Thaw.Core.Identity;
using Thaw.Core.Placing;
using Thaw.Core.Planning;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Peering;

/// <summary>
/// Homes, from both sides: finds the home of a key and asks it, and answers for the keys whose home this node is. What
/// it knows of holders is told by them and in memory only: a restart costs the time until they tell it again. Any
/// thread.
/// </summary>
internal sealed class PeerHome(PeerNetwork network, PeerCalls calls, MountTable mounts, ChunkStore store)
    : IKeyHomes
{
    private readonly Lock _gate = new();
    private readonly HolderTable _holders = new(Limits.HomeVersions);

    public IKeyHome? Find(string store, string fullKey) => Find(store, fullKey, isFormer: false);

    public IKeyHome? FindFormer(string store, string fullKey) => Find(store, fullKey, isFormer: true);

    private Home? Find(string store, string fullKey, bool isFormer)
    {
        var view = network.Now;
        foreach (var index in view.Placement.Rank(PlacementKey.OfName(store, fullKey)))
        {
            if (index == view.Self && !isFormer)
                return null;
            if (index == view.Self)
                continue;
            if (network.HealthOf(view.MemberAt(index)) == MemberHealth.Usable)
                return new Home(network, view.MemberAt(index).Name, new PeerPlace(store, fullKey));
        }

        return null;
    }

    /// <summary>
    /// Tells the home of a key what this node has of a version; false if whoever ranks first was not reached.
    /// </summary>
    public async ValueTask<bool> TellAsync(HaveQuestion have, CancellationToken cancellationToken)
    {
        var view = network.Now;
        var first = view.Placement.Home(PlacementKey.OfName(have.Place.Origin, have.Place.Key));
        if (Find(have.Place.Origin, have.Place.Key, isFormer: false) is { } home)
            return (await home.AskAsync(have, cancellationToken).ConfigureAwait(false)).IsOk
                && first >= 0 && view.MemberAt(first).Name == home.Node;
        Note(network.Self, have);
        return first < 0 || first == view.Self;
    }

    /// <summary>Who holds what of a version, as its key's home was told.</summary>
    public async ValueTask<ImmutableArray<PeerHolding>> HoldersAsync(
        PeerPlace place, ContentId id, CancellationToken cancellationToken)
    {
        if (Find(place.Origin, place.Key, isFormer: false) is not { } home)
            return Known(id);
        var answer = await home.AskAsync(new HoldersQuestion(place, id), cancellationToken).ConfigureAwait(false);
        return answer.ValueOrDefault is HoldersAnswer holders ? holders.Holdings : [];
    }

    public async ValueTask<Result<PeerAnswer>> AnswerAsync(
        string node, PeerQuestion question, CancellationToken cancellationToken)
    {
        switch (question)
        {
            case ResolveQuestion resolve:
                if (mounts.Find(resolve.Place) is not { } found)
                    return NotHere;
                var version = await found.Mount.ResolveAsHomeAsync(found.Key, resolve.IsFresh, cancellationToken)
                    .ConfigureAwait(false);
                return version.TryGet(out var known, out var failure)
                    ? new VersionAnswer(known.Version, known.Age) : failure;
            case HoldersQuestion holders:
                return new HoldersAnswer(Known(holders.Id));
            case HaveQuestion have:
                Note(node, have);
                return new DoneAnswer();
            case ControlQuestion control:
                return await calls.AnswerAsync(control, cancellationToken).ConfigureAwait(false);
            case BlockCrcsQuestion crcs:
                return new BlockCrcsAnswer(
                    await CrcsAsync(crcs, cancellationToken).ConfigureAwait(false));
            case BadBlocksQuestion bad:
                await LookAsync(bad, cancellationToken).ConfigureAwait(false);
                return new DoneAnswer();
            default:
                return new Failure(
                    FailureKind.NotImplemented, "This node does not answer that.", RetryAdvice.Elsewhere);
        }
    }

    private void Note(string node, HaveQuestion have)
    {
        lock (_gate)
            _holders.Tell(node, have.Id, have.Chunks.FirstChunk, have.Chunks.Bits.AsSpan(), have.ReplacesAll);
    }

    private ImmutableArray<PeerHolding> Known(ContentId id)
    {
        lock (_gate)
            return [.. _holders.HoldersOf(id).Select(one => new PeerHolding(one.Node, ToBits(one.Chunks)))];
    }

    /// <summary>Bits of chunks in ascending order.</summary>
    public static ChunkBits ToBits(ImmutableArray<int> chunks)
    {
        if (chunks.IsEmpty)
            return new ChunkBits(0, []);
        var bits = new byte[(chunks[^1] - chunks[0]) / 8 + 1];
        foreach (var chunk in chunks)
            bits[(chunk - chunks[0]) / 8] |= (byte)(1 << ((chunk - chunks[0]) % 8));
        return new ChunkBits(chunks[0], [.. bits]);
    }

    private async ValueTask<ImmutableArray<ChunkCrcs>> CrcsAsync(
        BlockCrcsQuestion question, CancellationToken cancellationToken)
    {
        var lists = ImmutableArray.CreateBuilder<ChunkCrcs>();
        using var lease = await store.LeaseAsync(question.Id, cancellationToken).ConfigureAwait(false);
        for (var chunk = question.FirstChunk; lease is not null && chunk < lease.Version.ChunkCount
            && chunk - question.FirstChunk < question.ChunkCount; chunk++)
            if (await lease.Version.GetBlockCrcsAsync(chunk, cancellationToken).ConfigureAwait(false) is { } crcs)
                lists.Add(new ChunkCrcs(chunk, [.. crcs]));
        return lists.ToImmutable();
    }

    /// <summary>Checks a chunk that was bad at a receiver; it is lost if this node's disk is to blame.</summary>
    private async ValueTask LookAsync(BadBlocksQuestion bad, CancellationToken cancellationToken)
    {
        using var lease = await store.LeaseAsync(bad.Id, cancellationToken).ConfigureAwait(false);
        if (lease is not null && bad.Chunk < lease.Version.ChunkCount)
            await lease.Version.CheckAsync(bad.Chunk, cancellationToken).ConfigureAwait(false);
    }

    private static readonly Failure NotHere =
        new(FailureKind.NotAllowed, "No mount of this node shows that store.", RetryAdvice.Elsewhere);

    private sealed class Home(PeerNetwork network, string node, PeerPlace place) : IKeyHome
    {
        public string Node => node;

        public async ValueTask<Result<AgedVersion>> ResolveAsync(bool isFresh, CancellationToken cancellationToken)
        {
            var answer = await AskAsync(new ResolveQuestion(place, isFresh), cancellationToken).ConfigureAwait(false);
            if (!answer.TryGet(out var one, out var failure))
                return failure;
            return one is VersionAnswer version
                ? new AgedVersion(version.Version, version.Age)
                : new Failure(FailureKind.OriginProtocol, $"{node} answered something else.", RetryAdvice.Elsewhere);
        }

        public async ValueTask<Result<PeerAnswer>> AskAsync(PeerQuestion question, CancellationToken cancellationToken)
        {
            if (network.Now.Placement.Snapshot.Find(node) is not { } member)
                return new Failure(FailureKind.Busy, $"{node} is no member any more.", RetryAdvice.Elsewhere);
            var answer = await network.Client.AskAsync(member, question, cancellationToken).ConfigureAwait(false);
            return answer.Failure is { Kind: FailureKind.Stopping or FailureKind.Busy } failure
                ? failure with { Retry = RetryAdvice.Elsewhere } : answer;
        }
    }
}
