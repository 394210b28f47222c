using System.Collections.Immutable;

namespace Thaw.Core.Planning;

/// <summary>
/// When a node sends one that asks elsewhere: when it has promised more than it can send soon, and someone else has the
/// chunk, or is getting it. Of those, the one that was sent the fewest so far. Pure.
/// </summary>
public static class RedirectRule
{
    /// <summary>Chunks that are promised before anybody is sent elsewhere.</summary>
    public const int ChunksPromised = 2;

    /// <summary>The node to ask instead, or null to serve.</summary>
    /// <param name="promisedBytes">What this node has promised and not sent, of all chunks.</param>
    /// <param name="chunkBytes">Bytes of a whole chunk.</param>
    /// <param name="asker">Who asks.</param>
    /// <param name="holders">Nodes that have the chunk or are getting it, with how many were sent to each.</param>
    /// <param name="isUsable">Whether a node can be asked now.</param>
    public static string? Decide(
        long promisedBytes, int chunkBytes, string asker, ImmutableArray<(string Node, int Sent)> holders,
        Func<string, bool> isUsable)
    {
        if (promisedBytes < (long)ChunksPromised * chunkBytes)
            return null;
        string? best = null;
        var fewest = int.MaxValue;
        foreach (var (node, sent) in holders)
            if (node != asker && sent < fewest && isUsable(node))
                (best, fewest) = (node, sent);
        return best;
    }
}
