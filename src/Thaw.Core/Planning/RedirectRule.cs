using System.Collections.Immutable;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Core.Planning;

/// <summary>A node that has a chunk or is getting it.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Sent">How many were sent there for this chunk.</param>
/// <param name="Load">What it has to send; null: not known.</param>
public readonly record struct ChunkHolder(string Node, int Sent, PeerLoad? Load);

/// <summary>
/// Whom an owner sends one that asks to. It serves what it can send soon. When it has promised more, whoever will be
/// done first serves: itself, or a node that has the chunk, in whole or in part; or, if nobody has it yet, the one that
/// asks fetches it for all. Nodes with a slow link so serve little, also as owners. Pure.
/// </summary>
public static class RedirectRule
{
    /// <summary>Chunks that are promised before anybody is sent elsewhere.</summary>
    public const int ChunksPromised = 2;

    /// <summary>How much faster another link is that counts as much faster: more than a rate's noise.</summary>
    private const double FasterBy = 2;

    /// <summary>A rate for whom none is known: a common card of 10 Gbit/s, shared.</summary>
    private const double UnknownRate = 250e6;

    /// <summary>The node to ask instead, or null to serve.</summary>
    /// <param name="own">What this node has to send.</param>
    /// <param name="chunkBytes">Bytes of a whole chunk.</param>
    /// <param name="asker">Who asks.</param>
    /// <param name="holders">Nodes that have the chunk or are getting it, those that can be asked now.</param>
    public static string? Decide(PeerLoad own, int chunkBytes, string asker, ImmutableArray<ChunkHolder> holders)
    {
        if (own.PromisedBytes < (long)ChunksPromised * chunkBytes)
            return null;
        var rate = own.BytesPerSecond > 0 ? own.BytesPerSecond : UnknownRate;
        string? best = null;
        var (least, fewest) = (own.SecondsWith(chunkBytes, rate), int.MaxValue);
        foreach (var holder in holders)
        {
            if (holder.Node == asker || IsMuchSlower(holder.Load, own))
                continue;
            // Whoever was sent there for this chunk may not have reached it yet.
            var load = holder.Load ?? new PeerLoad(chunkBytes, rate);
            var seconds = load.SecondsWith((1L + holder.Sent) * chunkBytes, rate);
            if (seconds < least || (seconds == least && holder.Sent < fewest))
                (best, least, fewest) = (holder.Node, seconds, holder.Sent);
        }

        return best;
    }

    /// <summary>
    /// Whether one that asks for what nobody has should fetch it from the origin in the owner's place: it is known to
    /// have less before it, or a much faster link.
    /// </summary>
    /// <param name="own">What this node has to send.</param>
    /// <param name="chunkBytes">Bytes of a whole chunk.</param>
    /// <param name="asker">What the one that asks has to send.</param>
    public static bool IsForAsker(PeerLoad own, int chunkBytes, PeerLoad? asker) =>
        asker is { BytesPerSecond: > 0 } known && !IsMuchSlower(known, own)
        && ((own.PromisedBytes >= (long)ChunksPromised * chunkBytes
                && known.SecondsWith(chunkBytes, UnknownRate) < own.SecondsWith(chunkBytes, UnknownRate))
            || IsMuchSlower(own, known));

    // What it is just getting it gets slowly too.
    private static bool IsMuchSlower(PeerLoad? one, PeerLoad other) =>
        one is { BytesPerSecond: > 0 } known && known.BytesPerSecond * FasterBy < other.BytesPerSecond;
}
