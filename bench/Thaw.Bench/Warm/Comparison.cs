using System.Globalization;

namespace Thaw.Bench.Warm;

/// <summary>One row: two servers measured in turns, so that whatever the machine does meanwhile meets both.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Unit of the rate.</param>
/// <param name="Control">Congestion control.</param>
internal sealed record Comparison(string Name, string Unit, string Control)
{
    private readonly List<Turn> _ours = [];
    private readonly List<Turn> _peers = [];

    private readonly record struct Turn(Sample Sample, double ProcessorSeconds);

    public required string Peer { get; init; }

    /// <summary>Whether the rate is a time, of which less is better.</summary>
    public bool IsTime => Unit == "µs";

    public void Add(bool ours, Sample sample, double processorSeconds) =>
        (ours ? _ours : _peers).Add(new Turn(sample, processorSeconds));

    /// <summary>A line of the table: both rates, the median of the pairs' ratios, processor time, percentile.</summary>
    public string Row()
    {
        var format = Unit == "GB/s" ? "F2" : "F0";
        var rate = Spread(Pairs((ours, peer) => ours.Sample.Rate / peer.Sample.Rate), "F2");
        var processor = Spread(Pairs((ours, peer) => Cost(ours) / Cost(peer)), "F2");
        return string.Join(" | ",
            $"| {Control}", $"{Name}, {Unit}", Spread(_ours.Select(turn => turn.Sample.Rate), format), Peer,
            Spread(_peers.Select(turn => turn.Sample.Rate), format), $"**{rate}**",
            Spread(_ours.Select(Cost), "F3"), Spread(_peers.Select(Cost), "F3"), processor,
            Median(_ours.Select(turn => turn.Sample.P99)), Median(_peers.Select(turn => turn.Sample.P99))) + " |";
    }

    /// <summary>Processor seconds for a GB of body.</summary>
    private static double Cost(Turn turn) => turn.ProcessorSeconds / (turn.Sample.Bytes / 1e9);

    private IEnumerable<double> Pairs(Func<Turn, Turn, double> ratio) => _ours.Zip(_peers, ratio);

    private static string Spread(IEnumerable<double> values, string format)
    {
        var sorted = values.Order().ToArray();
        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Text(sorted[sorted.Length / 2])} ({Text(sorted[0])}..{Text(sorted[^1])})";
    }

    private static string Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[^1] == 0 ? "" : sorted[sorted.Length / 2].ToString("F0", CultureInfo.InvariantCulture);
    }
}
