using Microsoft.Win32.SafeHandles;
using Thaw.Core.Failures;

namespace Thaw.Core.Contracts.Peers;

/// <summary>What the cache answers other nodes with. Any thread.</summary>
public interface IPeerService
{
    /// <summary>
    /// Finds what a node asked for: a stored chunk, one in flight (begun for this, if the request allows), or where
    /// else it is. Answers at once where it can: a chunk that must first be fetched is in flight. Cancelled when the
    /// asking node is gone or does not want it any more.
    /// </summary>
    ValueTask<PeerSupply> OpenAsync(string node, PeerRequest request, CancellationToken cancellationToken);

    /// <summary>Bytes that were asked for and have not been sent, also such as are not here yet.</summary>
    long PromisedBytes { get; }

    /// <summary>Answers a question.</summary>
    ValueTask<Result<PeerAnswer>> AnswerAsync(
        string node, PeerQuestion question, CancellationToken cancellationToken);
}

/// <summary>What a request is answered with; disposed once it is answered or given up, also when unused.</summary>
public abstract class PeerSupply : IDisposable
{
    /// <summary>Gives up what it holds: a lease, an interest. Once.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>
/// A whole chunk in a file. The kernel copies it from there; the bytes stay as they are until this is disposed. The
/// sender does not read them: the receiver compares them with the list, which is the map's own.
/// </summary>
public abstract class StoredSupply : PeerSupply
{
    /// <summary>The open file.</summary>
    public abstract SafeFileHandle File { get; }

    /// <summary>Where the chunk begins in it.</summary>
    public abstract long Offset { get; }

    /// <summary>The chunk's CRC-32Cs from the map, one for each block.</summary>
    public abstract ReadOnlySpan<uint> BlockCrcs { get; }
}

/// <summary>A chunk that is coming, in memory: blocks can be sent as soon as they are checked, in order.</summary>
public abstract class FlightSupply : PeerSupply
{
    /// <summary>Native memory of the whole chunk; ready blocks do not change until this is disposed.</summary>
    public abstract ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Blocks that are ready, from the chunk's start. Grows.</summary>
    public abstract int ReadyBlocks { get; }

    /// <summary>CRC-32C of a ready block.</summary>
    public abstract uint CrcOf(int block);

    /// <summary>What it waits for.</summary>
    public abstract PeerWait Reason { get; }

    /// <summary>Ends when a block is ready, or with the reason why it never will be.</summary>
    public abstract ValueTask<Failure?> WaitAsync(int block, CancellationToken cancellationToken);
}

/// <summary>Another node has it.</summary>
public sealed class RedirectSupply(string node) : PeerSupply
{
    /// <summary>That node.</summary>
    public string Node { get; } = node;
}

/// <summary>No mount of this node has that origin.</summary>
public sealed class NotConfiguredSupply : PeerSupply;

/// <summary>Not from here, and why.</summary>
public sealed class FailedSupply(Failure failure) : PeerSupply
{
    /// <summary>Why.</summary>
    public Failure Failure { get; } = failure;
}
