using System.Globalization;
using Thaw.Core.Api;
using Thaw.Core.Units;
using Thaw.Daemon;

namespace Thaw.Cli.Demo;

/// <summary>What the three runs gave, and what follows from it.</summary>
/// <param name="Files">The model.</param>
/// <param name="Sha256Match">Every file of every reader has the sha256 of the original.</param>
/// <param name="DirectSeconds">All readers straight from the origin.</param>
/// <param name="ColdSeconds">All readers through empty nodes, one for each.</param>
/// <param name="WarmSeconds">The same again.</param>
internal sealed record DemoMeasure(
    IReadOnlyList<ModelFile> Files, bool Sha256Match, double DirectSeconds, double ColdSeconds, double WarmSeconds)
{
    /// <summary>
    /// Below so many seconds of the origin's time saved, the first use of a new node's code and connections decides
    /// (0.3 to 0.6 s measured on two cores).
    /// </summary>
    private const double LeastSavedSeconds = 1.5;

    /// <summary>The report; <paramref name="stats"/> are the cluster's sums.</summary>
    public DemoReport Judge(NodeStats stats, int nodes, int readers, S3Throttle origin)
    {
        var served = stats.Served.S3.Local + stats.Served.S3.Peer + stats.Served.S3.Parent + stats.Served.S3.Origin;
        var modelBytes = Files.Sum(file => file.Bytes);
        var failures = Failures(modelBytes, stats.Origin.Bytes, readers, origin).ToArray();
        return new DemoReport(
            failures.Length == 0, nodes, modelBytes, stats.Origin.Bytes, Sha256Match, Math.Round(ColdSeconds, 3),
            Math.Round(WarmSeconds, 3), Math.Round(DirectSeconds, 3), stats.HitRatio ?? 0, readers,
            stats.Origin.Requests, served, Math.Max(0, served - stats.Origin.Bytes), origin.BytesPerSecond,
            stats.Version, failures);
    }

    private IEnumerable<string> Failures(long modelBytes, long originBytes, int readers, S3Throttle origin)
    {
        if (!Sha256Match)
            yield return "a reader got a file whose sha256 is not the original's; keep the output and report it.";
        if (originBytes != modelBytes)
            yield return string.Create(CultureInfo.InvariantCulture,
                $"the origin sent {originBytes} bytes for a model of {modelBytes}; each byte should leave it once.");
        if (ColdSeconds >= DirectSeconds)
            yield return ColdIsSlow(modelBytes, readers, origin);
    }

    private string ColdIsSlow(long modelBytes, int readers, S3Throttle origin)
    {
        var saved = (readers - 1) * (double)modelBytes / origin.BytesPerSecond;
        var latency = origin.Latency.TotalMilliseconds;
        var why = saved < LeastSavedSeconds
            ? $"one read of the origin instead of {readers} saves {saved:0.00} s of a model of "
                + $"{new ByteSize(modelBytes)}, and a cold read asks {latency:0} ms longer for "
                + $"each of its {Files.Count} files, on a node that has just started; ask for a larger one with --size."
            : "something else uses this machine or its disk; run it again when it is idle.";
        return string.Create(CultureInfo.InvariantCulture,
            $"the cold run took {ColdSeconds:0.00} s and the direct one {DirectSeconds:0.00} s: {why}");
    }
}
