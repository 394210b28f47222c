namespace Thaw.Storage.Eviction;

/// <summary>A member of a <see cref="HeatHeap{T}"/>.</summary>
internal abstract class Warm
{
    /// <summary>
    /// Logarithm (base 2) of the sum of all uses, each weighted by two to the power of the half-life in which it was.
    /// The order of two members changes with their uses alone, not with time.
    /// </summary>
    public double Warmth { get; internal set; }

    /// <summary>When it was last used, milliseconds since 1970: decides between those that are equally warm.</summary>
    public long LastUsed { get; internal set; }

    /// <summary>Place in the heap, or -1.</summary>
    internal int Place { get; set; } = -1;
}
