using System.Globalization;

namespace Thaw.Bench.Policy;

/// <summary>One trace and capacity, by each policy; a mean over seeds sums reads and averages ratios.</summary>
internal sealed record PolicyRow(
    string Trace, int Share, Ratio Thaw, Ratio Sealed, Ratio Lru, Ratio Fifo, Ratio Optimum)
{
    public const string TableHead = """
        | trace | cache | Thaw | sealed | LRU | FIFO | optimum | Thaw of optimum | origin, Thaw / LRU |
        |---|---|---|---|---|---|---|---|---|
        """;

    public static PolicyRow Of(Trace trace, int share, int capacity) => new(
        trace.Name, share, new Ratio(ThawCache.Run(trace, capacity)),
        new Ratio(ThawCache.Run(trace, capacity, seals: true)), new Ratio(Caches.Lru(trace, capacity)),
        new Ratio(Caches.Fifo(trace, capacity)), new Ratio(Caches.Optimum(trace, capacity)));

    public static PolicyRow Mean(string trace, int share, PolicyRow[] rows) => new(
        trace, share, Ratio.Mean(rows.Select(row => row.Thaw)), Ratio.Mean(rows.Select(row => row.Sealed)),
        Ratio.Mean(rows.Select(row => row.Lru)), Ratio.Mean(rows.Select(row => row.Fifo)),
        Ratio.Mean(rows.Select(row => row.Optimum)));

    public string ToTableRow() => string.Create(CultureInfo.InvariantCulture,
        $"| {Trace} | {Share} % | {Thaw.HitRatio:F4} | {Sealed.HitRatio:F4} | {Lru.HitRatio:F4} | {Fifo.HitRatio:F4} "
        + $"| {Optimum.HitRatio:F4} | {Thaw.HitRatio / Optimum.HitRatio:F3} | "
        + $"{Thaw.OriginChunks / Lru.OriginChunks:F3} |");
}

/// <summary>Byte hits of one policy.</summary>
internal sealed record Ratio(double HitRatio, double OriginChunks)
{
    public Ratio(Outcome outcome)
        : this(outcome.HitRatio, outcome.Origin)
    {
    }

    public static Ratio Mean(IEnumerable<Ratio> ratios)
    {
        var all = ratios.ToArray();
        return new Ratio(all.Average(one => one.HitRatio), all.Average(one => one.OriginChunks));
    }
}
