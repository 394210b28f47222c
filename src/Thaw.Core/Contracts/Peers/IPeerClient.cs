using Thaw.Core.Cluster;
using Thaw.Core.Failures;

namespace Thaw.Core.Contracts.Peers;

/// <summary>What this node asks of other nodes. Any thread.</summary>
public interface IPeerClient : IAsyncDisposable
{
    /// <summary>
    /// Asks a node for blocks of one chunk and receives them, checked, into the caller's memory. Ends when the blocks
    /// are there or will not come from this node; from then on the memory is the caller's alone again. Cancelling ends
    /// it as soon as nothing writes to the memory any more, at most <see cref="Limits.PeerTick"/> later.
    /// </summary>
    ValueTask<PeerFetchEnd> FetchAsync(ClusterMember peer, PeerFetch fetch, CancellationToken cancellationToken);

    /// <summary>Asks a node a question, most often the home of a key.</summary>
    ValueTask<Result<PeerAnswer>> AskAsync(
        ClusterMember peer, PeerQuestion question, CancellationToken cancellationToken);

    /// <summary>
    /// Whether a node was silent for too long and is not asked just now. One verdict for a node, not for a chunk.
    /// </summary>
    bool IsSuspect(string node);

    /// <summary>
    /// What a node has to send, as it said last; null: it has not sent anything of late.
    /// </summary>
    PeerLoad? LoadOf(string node);

    /// <summary>Bytes of blocks received and checked since start.</summary>
    long BytesIn { get; }

    /// <summary>Fetches that are under way.</summary>
    int InFlight { get; }
}

/// <summary>Blocks of one chunk, where they go, and who is told.</summary>
/// <param name="Request">What is asked for.</param>
/// <param name="Destination">
/// Native memory for the whole chunk, also when only some blocks are asked for: each block goes to its own offset.
/// </param>
/// <param name="Sink">Told of each block.</param>
public sealed record PeerFetch(PeerRequest Request, Memory<byte> Destination, IBlockSink Sink)
{
    /// <summary>
    /// The home's list of the chunk, with which each block is compared too; null: blocks are taken as the node says.
    /// </summary>
    public uint[]? ExpectedCrcs { get; init; }
}

/// <summary>
/// Hears of blocks in order. Called on the thread that receives for all of a node's requests: it must not wait.
/// </summary>
public interface IBlockSink
{
    /// <summary>A block is in its place and has this CRC-32C.</summary>
    void BlockChecked(int block, uint crc);

    /// <summary>The node is alive and has nothing yet, for this reason.</summary>
    void Waiting(PeerWait reason);
}

/// <summary>Why a node that was asked has nothing to send yet.</summary>
public enum PeerWait : byte
{
    /// <summary>The origin has not sent it.</summary>
    Origin = 1,

    /// <summary>Others go first.</summary>
    Queue = 2,

    /// <summary>A disk is slow.</summary>
    Disk = 3,
}

/// <summary>How a fetch ended.</summary>
public enum PeerEnd
{
    /// <summary>All blocks are there.</summary>
    Complete,

    /// <summary>Another node has it: <see cref="PeerFetchEnd.Node"/>.</summary>
    Redirected,

    /// <summary>The node has no mount for that origin.</summary>
    NotConfigured,

    /// <summary>
    /// The node cannot be reached, broke off, or was silent for <see cref="Limits.PeerSilence"/>: next in rank.
    /// </summary>
    Silent,

    /// <summary>A block did not have its CRC, or the list was not the home's: another holder.</summary>
    Corrupt,

    /// <summary>The node said why not; its advice is in the failure.</summary>
    Failed,
}

/// <summary>How a fetch ended, and how far it came.</summary>
/// <param name="End">How.</param>
/// <param name="NextBlock">Blocks before this one are there and checked.</param>
/// <param name="Failure">Why not, unless it is complete or redirected.</param>
/// <param name="Node">The node that has it, when redirected.</param>
public sealed record PeerFetchEnd(PeerEnd End, int NextBlock, Failure? Failure = null, string? Node = null);
