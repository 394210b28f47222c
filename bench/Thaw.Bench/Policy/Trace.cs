using System.Collections.Immutable;

namespace Thaw.Bench.Policy;

/// <summary>
/// What readers ask of a cache, chunk by chunk, in order. A chunk stands for a gigabyte: the policy sees sizes and
/// capacities alone.
/// </summary>
/// <param name="Name">What it is.</param>
/// <param name="Sizes">Chunks of each version.</param>
/// <param name="Replaced">The version whose name each one took, or -1; a cache learns it from the first read.</param>
/// <param name="Reads">Each read: version and chunk.</param>
/// <param name="SetChunks">Chunks of the versions that exist at one moment: what capacities are shares of.</param>
public sealed record Trace(
    string Name, ImmutableArray<int> Sizes, ImmutableArray<int> Replaced,
    IReadOnlyList<(int Version, int Chunk)> Reads, int SetChunks);

/// <summary>What a cache made of a trace.</summary>
/// <param name="Reads">Chunks read.</param>
/// <param name="Hits">Chunks that were here.</param>
public readonly record struct Outcome(long Reads, long Hits)
{
    /// <summary>Chunks asked of the origin.</summary>
    public long Origin => Reads - Hits;

    /// <summary>The byte hit ratio.</summary>
    public double HitRatio => (double)Hits / Reads;
}
