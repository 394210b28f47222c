using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Core.Contracts.Peers;

/// <summary>Blocks of one chunk that one node asks of another.</summary>
public sealed record PeerRequest
{
    /// <summary>The version.</summary>
    public required ContentId Id { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Index of the chunk.</summary>
    public required int Chunk { get; init; }

    /// <summary>First block.</summary>
    public int FirstBlock { get; init; }

    /// <summary>Number of blocks; 0: all from the first one on.</summary>
    public int BlockCount { get; init; }

    /// <summary>Who waits for it.</summary>
    public PeerPriority Priority { get; init; }

    /// <summary>How long the asking node will wait; null: until it cancels.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Only what the node holds or is receiving; it does not fetch from an origin for this.</summary>
    public bool IsOnlyHeld { get; init; }

    /// <summary>The node must not send the asker elsewhere.</summary>
    public bool IsFinal { get; init; }

    /// <summary>The asker can fetch it from the origin for everyone, if it is sent to itself.</summary>
    public bool CanFetch { get; init; }

    /// <summary>The node was sent to the origin in the asker's place: the asker does not hold it up.</summary>
    public bool IsToStandIn { get; init; }

    /// <summary>Where the node can fetch it, unless only held bytes are wanted.</summary>
    public PeerPlace? Place { get; init; }

    /// <summary>Which version must be fetched, with <see cref="Place"/>.</summary>
    public ObjectVersion? Version { get; init; }

    /// <summary>Why, for the ledger of the node that fetches.</summary>
    public OriginCause Cause { get; init; }

    /// <summary>Bytes of the chunk.</summary>
    public int ChunkLength => Geometry.ChunkLength(SizeBytes, Chunk);

    /// <summary>The first block behind those asked for.</summary>
    public int EndBlock => BlockCount == 0 ? Geometry.BlockCount(ChunkLength) : FirstBlock + BlockCount;

    /// <summary>Whether there are such blocks in such a version.</summary>
    public bool IsPossible =>
        SizeBytes is > 0 and <= (long)int.MaxValue * Geometry.ChunkBytes
        && Chunk >= 0 && Chunk < Geometry.ChunkCount(SizeBytes)
        && FirstBlock >= 0 && BlockCount is >= 0 and <= Geometry.BlocksPerChunk
        && FirstBlock < EndBlock && EndBlock <= Geometry.BlockCount(ChunkLength);
}

/// <summary>Who waits for a chunk; lower goes first.</summary>
public enum PeerPriority : byte
{
    /// <summary>A reader stands still until it comes.</summary>
    Demand = 0,

    /// <summary>A reader will come to it.</summary>
    ReadAhead = 1,

    /// <summary>The rest of a version that a reader has opened.</summary>
    Background = 2,

    /// <summary>A job.</summary>
    Job = 3,
}

/// <summary>What a key is called everywhere: its store and its full key there.</summary>
/// <param name="Origin">Scheme, endpoint host unless it is the default one, and bucket.</param>
/// <param name="Key">The full key at the origin.</param>
public sealed record PeerPlace(string Origin, string Key);
