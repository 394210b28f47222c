using System.Globalization;

namespace Thaw.Bench.Harness;

/// <summary>What one measurement found.</summary>
/// <param name="Rate">GB/s, requests/s or, for times, the median in microseconds.</param>
/// <param name="Bytes">Body bytes that were received.</param>
/// <param name="P99">99th percentile in microseconds, where times were taken.</param>
internal readonly record struct Sample(double Rate, long Bytes, double P99 = 0);

/// <summary>A measurement and what it cost the server's processes, user and system.</summary>
internal readonly record struct Turn(Sample Sample, double ProcessorSeconds)
{
    /// <summary>Runs a client against a server.</summary>
    public static Turn Of(ServerProcess server, Func<ServerProcess, Sample> client)
    {
        var before = server.ProcessorSeconds();
        var sample = client(server);
        return new Turn(sample, server.ProcessorSeconds() - before);
    }

    /// <summary>Processor seconds for a GB of body.</summary>
    public double Cost => ProcessorSeconds / (Sample.Bytes / 1e9);
}

/// <summary>One row: two servers measured in turns.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Unit of the rate.</param>
/// <param name="Control">Congestion control.</param>
internal sealed record Comparison(string Name, string Unit, string Control)
{
    public const string Head = """
        | TCP | measured | Thaw | peer | peer's | ratio | aim | Thaw CPU s/GB | its | ratio | Thaw p99 µs | its |
        |---|---|---|---|---|---|---|---|---|---|---|---|
        """;

    private readonly List<Turn> _ours = [];
    private readonly List<Turn> _peers = [];

    public required string Peer { get; init; }

    /// <summary>The ratio that is asked for; 0: none, the row informs.</summary>
    public double Aim { get; init; }

    /// <summary>Whether the rate is a time, of which less is better.</summary>
    public bool IsTime => Unit == "µs";

    /// <summary>Least, median and most of the pairs' ratios.</summary>
    public (double Least, double Median, double Most) Ratio
    {
        get
        {
            var sorted = Pairs((ours, peer) => ours.Sample.Rate / peer.Sample.Rate).Order().ToArray();
            return (sorted[0], sorted[sorted.Length / 2], sorted[^1]);
        }
    }

    public void Add(bool ours, Turn turn) => (ours ? _ours : _peers).Add(turn);

    /// <summary>A line of the table: both rates, the median of the pairs' ratios, processor time, percentile.</summary>
    public string Row()
    {
        var format = Unit == "GB/s" ? "F2" : "F0";
        var rate = Spread(Pairs((ours, peer) => ours.Sample.Rate / peer.Sample.Rate), "F2");
        return string.Join(" | ",
            $"| {Control}", $"{Name}, {Unit}", Spread(_ours.Select(turn => turn.Sample.Rate), format), Peer,
            Spread(_peers.Select(turn => turn.Sample.Rate), format), $"**{rate}**", Text(Aim, "0.##"),
            Spread(_ours.Select(turn => turn.Cost), "F3"), Spread(_peers.Select(turn => turn.Cost), "F3"),
            _peers.Any(turn => turn.ProcessorSeconds <= 0) ? "" : Spread(Pairs((a, b) => a.Cost / b.Cost), "F2"),
            Median(_ours.Select(turn => turn.Sample.P99)), Median(_peers.Select(turn => turn.Sample.P99))) + " |";
    }

    private IEnumerable<double> Pairs(Func<Turn, Turn, double> ratio) => _ours.Zip(_peers, ratio);

    private static string Spread(IEnumerable<double> values, string format)
    {
        var sorted = values.Order().ToArray();
        return sorted[^1] == 0
            ? ""
            : $"{Text(sorted[sorted.Length / 2], format)} ({Text(sorted[0], format)}..{Text(sorted[^1], format)})";
    }

    private static string Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return Text(sorted[sorted.Length / 2], "F0");
    }

    private static string Text(double value, string format) =>
        value == 0 ? "" : value.ToString(format, CultureInfo.InvariantCulture);
}
