using System.Collections.Immutable;

namespace Thaw.Bench.ColdStart;

/// <summary>Links of an origin and its nodes in MB/s each way, and when the nodes start.</summary>
internal sealed record ColdScenario(
    string Name, double OriginLink, ImmutableArray<double> NodeLinks, double SecondsBetweenStarts, double Bound)
{
    public const int Nodes = 8;

    public static readonly ImmutableArray<ColdScenario> All =
    [
        new("origin-bound", 40, Same(100), 0, 1.15),
        new("NIC-bound", 400, Same(50), 0, 1.2),
        new("skewed", 400, Same(50).SetItem(3, 12.5), 0, 1.2),
        new("staggered", 40, Same(100), 2, 1.2),
    ];

    private static ImmutableArray<double> Same(double link) => [.. Enumerable.Repeat(link, Nodes)];
}
