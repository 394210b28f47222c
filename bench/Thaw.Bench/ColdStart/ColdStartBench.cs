using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Thaw.Bench.Harness;
using Thaw.Core.Checksums;
using Thaw.Core.Units;

namespace Thaw.Bench.ColdStart;

/// <summary>
/// Nodes of a cluster in network namespaces with shaped links, all starting the same cold model. What each needs is
/// compared with its ideal: the larger of size / its link and the moment at which the origin can have sent all, with
/// what iperf3 gets over these links as their speed. In the same run: every node straight from the origin, and nginx as
/// a cache for all. A table and a plot for each scenario.
/// </summary>
internal sealed class ColdStartBench(string thaw, string root, string work, long sizeBytes)
{
    private const int Files = 8;
    private const int FilesAtOnce = 4;

    private readonly string[] _names = [.. Enumerable.Range(1, Files).Select(file => $"model-{file:D5}.safetensors")];

    /// <summary>Runs scenarios, each with as many seeds, and writes a page for each.</summary>
    public static int Run(string[] arguments)
    {
        var options = new Harness.Options(
            Path.GetFullPath(Value(arguments, "--thaw") ?? throw new ArgumentException("--thaw PATH is missing")),
            Path.GetFullPath(Value(arguments, "--root") ?? throw new ArgumentException("--root DIRECTORY is missing")),
            arguments.Contains("--quick"), null);
        if (!ByteSize.TryParse(Value(arguments, "--size") ?? "1GiB", out var size))
            throw new ArgumentException("--size is a size such as 256MiB");
        var seeds = int.Parse(Value(arguments, "--seeds") ?? "3", CultureInfo.InvariantCulture);
        var names = Value(arguments, "--scenario")?.Split(',');
        // In memory: a node has a disk of its own, and here eight of them would share one.
        var work = Directory.CreateDirectory($"/dev/shm/thaw-cold-{Environment.ProcessId}");
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Remove(work));
        using var ended = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Remove(work));
        try
        {
            var bench = new ColdStartBench(options.Binary, options.Root, work.FullName, size.Bytes);
            foreach (var scenario in ColdScenario.All.Where(one => names is null || names.Contains(one.Name)))
                bench.Measure(scenario, options, seeds, hasRivals: !arguments.Contains("--alone"));
            return 0;
        }
        finally
        {
            Remove(work);
        }
    }

    // A server that is just ending may still write.
    private static void Remove(DirectoryInfo work)
    {
        for (var attempt = 0; attempt < 10 && Directory.Exists(work.FullName); attempt++)
            try
            {
                work.Delete(recursive: true);
            }
            catch (IOException)
            {
                Thread.Sleep(100);
            }
    }

    private void Measure(ColdScenario scenario, Harness.Options options, int seeds, bool hasRivals)
    {
        using var star = new Star();
        var originSpace = star.Add(0, scenario.OriginLink);
        var spaces = scenario.NodeLinks.Select((link, index) => star.Add(index + 1, link)).ToArray();
        var cacheIndex = spaces.Length + 1;
        var cacheSpace = star.Add(cacheIndex, scenario.NodeLinks[0]);
        // The cache's link is as wide as the widest; equal links are measured once.
        var rates = scenario.NodeLinks.Distinct().ToDictionary(
            link => link, link => star.Measure(cacheSpace, scenario.NodeLinks.IndexOf(link) + 1));
        // An origin whose link is wider than a node's is never the bound; then its share of the set rate will do.
        var originRate = scenario.OriginLink <= scenario.NodeLinks[0]
            ? star.Measure(originSpace, 1)
            : rates[scenario.NodeLinks[0]] / scenario.NodeLinks[0] * scenario.OriginLink;
        var ideals = new Func<int, double, double>((node, begun) => Math.Max(
            sizeBytes / 1e6 / rates[scenario.NodeLinks[node]], sizeBytes / 1e6 / originRate - begun));
        var (rows, plotted) = (new StringBuilder(), new List<(string, string, ColdRun)>());
        ColdRun Try(string name, string color, int seed, Func<ColdPlace, ColdCrew> make)
        {
            var run = Once(scenario, originSpace, spaces, seed, make);
            var ratios = run.Readings.Select((one, node) => one.Seconds / ideals(node, one.Begun)).ToArray();
            var row = string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {seed} | {run.Readings.Min(one => one.Seconds):F1}"
                + $"..{run.Readings.Max(one => one.Seconds):F1} "
                + $"| {string.Join(' ', ratios.Select(ratio => ratio.ToString("F2", CultureInfo.InvariantCulture)))} "
                + $"| **{ratios.Max():F2}** | {run.OriginShare:F3} | {run.BusyShare:P0} | {run.ServerSeconds:F1} |");
            rows.AppendLine(row);
            Console.Error.WriteLine(row);
            if (seed == 1)
                plotted.Add((name, color, run));
            return run;
        }

        for (var seed = 1; seed <= seeds; seed++)
            Try("Thaw", "#1f5fa8", seed, place => ColdCrew.Thaw(place, thaw, spaces));
        if (hasRivals)
        {
            Try("nginx cache", "#d9834f", 1, place => ColdCrew.Nginx(place, cacheSpace, cacheIndex));
            Try("direct", "#999999", 1, ColdCrew.Direct);
        }

        var ideal = Enumerable.Range(0, spaces.Length)
            .Max(node => ideals(node, node * scenario.SecondsBetweenStarts) + node * scenario.SecondsBetweenStarts);
        var end = Math.Min(
            4 * ideal, plotted.Max(one => one.Item3.Readings.Max(reading => reading.Begun + reading.Seconds)));
        Report.Write(
            options, $"coldstart-{scenario.Name}", $"Cold start of eight nodes: {scenario.Name}",
            Page(scenario, originRate, rates, rows.ToString().TrimEnd()),
            ProgressPlot.Of($"Eight nodes, {sizeBytes >> 20} MiB, {scenario.Name}", ideal, plotted, end));
    }

    private ColdRun Once(
        ColdScenario scenario, string originSpace, string[] spaces, int seed, Func<ColdPlace, ColdCrew> make)
    {
        var crcs = WriteModel(seed);
        var folder = Directory.CreateDirectory(Path.Combine(work, "run")).FullName;
        try
        {
            using var crew = make(new ColdPlace(root, work, folder, originSpace));
            // The caches of all nodes, and as much again as two of them for buffers.
            using var memory = new TouchedMemory(work, (spaces.Length + 2) * sizeBytes);
            var run = ColdRun.Start(
                crew, spaces, _names, FilesAtOnce, scenario.SecondsBetweenStarts, crcs, sizeBytes, memory);
            if (Environment.GetEnvironmentVariable("THAW_BENCH_STATS") is not null)
            {
                foreach (var line in crew.Stats())
                    Console.Error.WriteLine(line);
                foreach (var reading in run.Readings)
                    Console.Error.WriteLine("MiB: " + string.Join(' ', reading.Progress.Select(
                        point => $"{point.Seconds:F1}:{point.Bytes >> 20}")));
            }

            return run;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private string Page(
        ColdScenario scenario, double originRate, Dictionary<double, double> rates, string rows) =>
        string.Create(CultureInfo.InvariantCulture, $"""
            {sizeBytes >> 20} MiB in {Files} files, of which each node's reader takes {FilesAtOnce} at a time, checks
            compared with the model's. Links are shaped each way with tbf: the origin's to {scenario.OriginLink} MB/s
            ({originRate:F1} by iperf3), the nodes' to {string.Join(", ", rates.Select(rate => string.Create(
            CultureInfo.InvariantCulture, $"{rate.Key} MB/s ({rate.Value:F1})")))}. A node starts every
            {scenario.SecondsBetweenStarts} s, and its clock with it. Ratio: a node's seconds / its ideal; the bound is
            {scenario.Bound}. The nodes' caches are in memory: they have a disk each elsewhere, and would share one.
            All nodes, readers and the origin share {Environment.ProcessorCount} processors; "busy" is the share of them
            that was used, by anyone.

            | way | seed | seconds | ratio of each node | worst | origin / model | busy | servers' CPU s |
            |---|---|---|---|---|---|---|---|
            {rows}

            The plot shows seed 1.
            """);

    private uint[] WriteModel(int seed)
    {
        var models = Path.Combine(work, "models");
        if (Directory.Exists(models))
            Directory.Delete(models, recursive: true);
        Directory.CreateDirectory(models);
        var random = new Random(seed);
        var piece = new byte[1 << 20];
        var crcs = new uint[Files];
        for (var file = 0; file < Files; file++)
        {
            using var stream = File.Create(Path.Combine(models, _names[file]), 1);
            for (long done = 0; done < sizeBytes / Files; done += piece.Length)
            {
                random.NextBytes(piece);
                stream.Write(piece);
                crcs[file] = Crc32C.Append(crcs[file], piece);
            }
        }

        return crcs;
    }

    private static string? Value(string[] arguments, string name) =>
        Array.IndexOf(arguments, name) is var at and >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;
}
