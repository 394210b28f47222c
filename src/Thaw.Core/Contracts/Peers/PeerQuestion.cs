using System.Collections.Immutable;
using Thaw.Core.Identity;

namespace Thaw.Core.Contracts.Peers;

/// <summary>A small question from node to node, most often to the home of a key.</summary>
public abstract record PeerQuestion;

/// <summary>The present version of a key; answered by <see cref="VersionAnswer"/>.</summary>
/// <param name="Place">The key.</param>
/// <param name="IsFresh">Ask the origin now, however new the known version is.</param>
public sealed record ResolveQuestion(PeerPlace Place, bool IsFresh = false) : PeerQuestion;

/// <summary>Who holds what of a version; answered by <see cref="HoldersAnswer"/>.</summary>
public sealed record HoldersQuestion(PeerPlace Place, ContentId Id) : PeerQuestion;

/// <summary>Block CRCs of chunks, as many of them as are known; answered by <see cref="BlockCrcsAnswer"/>.</summary>
/// <param name="Place">The key.</param>
/// <param name="Id">The version.</param>
/// <param name="FirstChunk">First chunk.</param>
/// <param name="ChunkCount">Number of chunks, at most <see cref="Limits.PeerCrcChunks"/>.</param>
public sealed record BlockCrcsQuestion(PeerPlace Place, ContentId Id, int FirstChunk, int ChunkCount) : PeerQuestion;

/// <summary>Tells a home what a node has of a version; answered by <see cref="DoneAnswer"/>.</summary>
/// <param name="Place">The key.</param>
/// <param name="Id">The version.</param>
/// <param name="SizeBytes">Its size.</param>
/// <param name="Chunks">What is there.</param>
/// <param name="Crcs">Lists of chunks that the node fetched from the origin.</param>
/// <param name="ReplacesAll">In place of all that the node told of this version before.</param>
public sealed record HaveQuestion(
    PeerPlace Place, ContentId Id, long SizeBytes, ChunkBits Chunks, ImmutableArray<ChunkCrcs> Crcs,
    bool ReplacesAll = false) : PeerQuestion;

/// <summary>One page of keys that begin with the place's key; answered by <see cref="ListAnswer"/>.</summary>
public sealed record ListQuestion(PeerPlace Place, ListRequest Request) : PeerQuestion;

/// <summary>
/// Tells a holder that blocks it sent did not have their CRCs, so that it looks at its disk; answered by
/// <see cref="DoneAnswer"/>.
/// </summary>
/// <param name="Id">The version.</param>
/// <param name="Chunk">The chunk.</param>
/// <param name="Blocks">A bit for each block that did not check.</param>
public sealed record BadBlocksQuestion(ContentId Id, int Chunk, uint Blocks) : PeerQuestion;

/// <summary>
/// What the control API of a node is asked, from another node; answered by <see cref="ControlAnswer"/>.
/// </summary>
/// <param name="Call">The operation.</param>
/// <param name="Json">Its input: a job's request, or a job's id as a JSON text; empty for none.</param>
public sealed record ControlQuestion(ControlCall Call, ImmutableArray<byte> Json) : PeerQuestion
{
    /// <inheritdoc />
    public bool Equals(ControlQuestion? other) =>
        other is not null && Call == other.Call && Json.AsSpan().SequenceEqual(other.Json.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Call, Json.Length);
}

/// <summary>Operations of the control API that nodes ask of each other.</summary>
public enum ControlCall : byte
{
    /// <summary>Counters and gauges.</summary>
    Stats = 1,

    /// <summary>Starts a job on the node that is asked, and there alone.</summary>
    StartJob = 2,

    /// <summary>A job and its progress.</summary>
    GetJob = 3,

    /// <summary>Cancels a job.</summary>
    CancelJob = 4,
}

/// <summary>An answer to a question.</summary>
public abstract record PeerAnswer;

/// <summary>A version, and how long ago the origin confirmed it.</summary>
public sealed record VersionAnswer(ObjectVersion Version, TimeSpan Age = default) : PeerAnswer;

/// <summary>What each node holds.</summary>
public sealed record HoldersAnswer(ImmutableArray<PeerHolding> Holdings) : PeerAnswer;

/// <summary>Lists that are known, in order of chunks; the others are left out.</summary>
public sealed record BlockCrcsAnswer(ImmutableArray<ChunkCrcs> Crcs) : PeerAnswer;

/// <summary>A page of keys.</summary>
public sealed record ListAnswer(ListPage Page) : PeerAnswer;

/// <summary>What the control API answers, as JSON.</summary>
public sealed record ControlAnswer(ImmutableArray<byte> Json) : PeerAnswer
{
    /// <inheritdoc />
    public bool Equals(ControlAnswer? other) => other is not null && Json.AsSpan().SequenceEqual(other.Json.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => Json.Length;
}

/// <summary>It is done, or noted.</summary>
public sealed record DoneAnswer : PeerAnswer;

/// <summary>What a node holds of a version.</summary>
public sealed record PeerHolding(string Node, ChunkBits Chunks);

/// <summary>
/// A bit for each chunk, from a first one on; bit 0 of byte 0 is the first. Of chunks outside nothing is said.
/// </summary>
public sealed record ChunkBits(int FirstChunk, ImmutableArray<byte> Bits)
{
    /// <summary>Whether a chunk's bit is set.</summary>
    public bool Has(int chunk) =>
        chunk >= FirstChunk && (chunk - FirstChunk) / 8 is var at && at < Bits.Length
        && (Bits[at] >> ((chunk - FirstChunk) % 8) & 1) != 0;

    /// <inheritdoc />
    public bool Equals(ChunkBits? other) =>
        other is not null && FirstChunk == other.FirstChunk && Bits.AsSpan().SequenceEqual(other.Bits.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(FirstChunk, Bits.Length);
}

/// <summary>CRC-32C of each block of one chunk.</summary>
public sealed record ChunkCrcs(int Chunk, ImmutableArray<uint> Blocks)
{
    /// <inheritdoc />
    public bool Equals(ChunkCrcs? other) =>
        other is not null && Chunk == other.Chunk && Blocks.AsSpan().SequenceEqual(other.Blocks.AsSpan());

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Chunk, Blocks.Length);
}
