using System.Diagnostics;
using Thaw.Bench.Harness;

namespace Thaw.Bench.Flat;

/// <summary>
/// Serves 200 GiB warm, long and short ranges mixed, and watches the node's resident memory: what a node serves must
/// not stay with it. Fails if the second half of the run ends higher than the first did.
/// </summary>
internal sealed class FlatBench(Lab lab)
{
    private const long SizeBytes = 2L << 30;
    private const long ServedBytes = 200L << 30;
    private const long QuickBytes = 10L << 30;
    private const int Readers = 16;
    private const int LongBytes = 8 << 20;
    private const int ShortBytes = 4 << 10;

    /// <summary>Noise of resident memory: thread stacks and the collector's free regions.</summary>
    private const double Tolerance = 1.1;

    private readonly List<(double Gibibytes, double Mebibytes)> _points = [];

    public static int Run(string[] arguments)
    {
        var options = Options.Parse(arguments);
        using var lab = new Lab(options);
        return new FlatBench(lab).Measure(options);
    }

    private int Measure(Options options)
    {
        lab.WriteModel("www/model.bin", SizeBytes);
        using var thaw = lab.StartThaw(
            "cache", $$"""{name: models, origin: "file://{{lab["www"]}}", revalidate: 1h}""", "/models/model.bin");
        Clients.WholeByCurl(thaw);
        while (lab.Tiers() is var now && (now.CacheBytes != SizeBytes || now.InFlight > 0))
            Thread.Sleep(100);
        Clients.WholeByCurl(thaw);
        var before = lab.Tiers();
        var total = options.IsQuick ? QuickBytes : ServedBytes;
        var processor = thaw.ProcessorSeconds();
        var start = Stopwatch.GetTimestamp();
        var served = Serve(thaw, total);
        var elapsed = Stopwatch.GetElapsedTime(start);
        processor = thaw.ProcessorSeconds() - processor;
        lab.Tiers().AssertLocal(before, served);
        var (half, end) = (_points[_points.Count / 2].Mebibytes, _points[^1].Mebibytes);
        Report.Write(options, "flat", "Resident memory while 200 GiB are served", $"""
            {Readers} readers, ranges of 8 MiB and after each one of 4 KiB, of one object of 2 GiB in the page cache.
            All {served / (double)(1 << 30):F1} GiB came from the local tier (the node's counters), in
            {elapsed.TotalSeconds:F0} s at {served / elapsed.TotalSeconds / 1e9:F2} GB/s and
            {processor / (served / 1e9):F3} s of processor time a GB. `cache.memory` is 256 MiB and was in use while the
            object was loaded.

            | served | resident memory |
            |---|---|
            {string.Join('\n', _points.Where((_, i) => i % Math.Max(1, _points.Count / 10) == 0).Append(_points[^1])
                .Select(point => $"| {point.Gibibytes:F0} GiB | {point.Mebibytes:F0} MiB |"))}

            Most since its start: {thaw.PeakMebibytes():F0} MiB.
            """, Plot.OfLine("Resident memory of the node", "GiB served", "MiB", _points));
        if (end <= half * Tolerance)
            return 0;
        Console.Error.WriteLine($"memory grew from {half:F0} MiB to {end:F0} MiB in the second half");
        return 1;
    }

    private long Serve(ServerProcess thaw, long total)
    {
        const long round = LongBytes + ShortBytes;
        var (done, sampled) = (0L, 0L);
        var gate = new Lock();
        _points.Add((0, thaw.ResidentMebibytes()));
        var threads = Enumerable.Range(0, Readers).Select(reader => new Thread(() =>
        {
            var random = new Random(reader);
            using var connection = new Clients.RangeConnection(thaw);
            for (long served = 0; served < total;)
            {
                connection.Read(random.NextInt64(SizeBytes / LongBytes) * LongBytes, LongBytes);
                connection.Read(random.NextInt64(SizeBytes / ShortBytes) * ShortBytes, ShortBytes);
                served = Interlocked.Add(ref done, round);
                lock (gate)
                    if (served - sampled >= 1L << 30)
                    {
                        sampled = served;
                        _points.Add((served / (double)(1 << 30), thaw.ResidentMebibytes()));
                    }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        return done;
    }
}
