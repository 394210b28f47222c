using System.Runtime.CompilerServices;
using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>
/// How warm one version is, by each rule. Owned by a <see cref="HeatOrder"/>; changed only by it.
/// </summary>
internal class VersionHeat(ContentId id, long sizeBytes) : Warm
{
    private ByRule _warmths;

    /// <summary>The version.</summary>
    public ContentId Id { get; } = id;

    /// <summary>Bytes of the whole version.</summary>
    public long SizeBytes { get; internal set; } = sizeBytes;

    /// <summary>Bytes that were read since the last whole use.</summary>
    public long ReadBytes { get; internal set; }

    /// <summary>Whose quota its bytes count against; 0: nobody's.</summary>
    public int Owner { get; internal set; }

    /// <summary>Added to its warmth: what the rest of the cluster makes of it.</summary>
    public double Bias { get; internal set; }

    /// <summary>Its warmth by each rule.</summary>
    internal Span<double> Warmths => _warmths;

    [InlineArray(4)]
    private struct ByRule
    {
        private double _first;
    }
}
