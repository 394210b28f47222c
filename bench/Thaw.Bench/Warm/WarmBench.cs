using System.Diagnostics;
using System.Net;
using Thaw.Bench.Harness;

namespace Thaw.Bench.Warm;

/// <summary>
/// The warm path of the S3 face beside nginx over the same bytes: the tier that served is proven by the node's counters
/// before and after each turn.
/// </summary>
internal sealed class WarmBench(Lab lab)
{
    private const long SizeBytes = 2L << 30;
    private const int SecondsOfRanges = 1;

    public static int Run(string[] arguments)
    {
        var options = Options.Parse(arguments);
        using var lab = new Lab(options);
        var peak = new WarmBench(lab).Measure((options.Controls ?? $"{CongestionControl.Present},cubic").Split(','));
        Report.Write(options, "warm", "Warm path beside nginx", $"""
            One object of 2 GiB in the page cache, loopback; {lab.Pairs} pairs in turns: median (least..most), ratios of
            the pairs. CPU: user and system seconds of the server's processes for a GB of body. All bytes of every turn
            of Thaw came from the local tier (its counters before and after), each block checked.

            {Report.Table(lab.Rows)}

            Most resident memory of Thaw: {peak:F0} MiB, with 256 MiB of `cache.memory` while it loaded.
            """, Plot.OfRatios("Thaw to its peer, warm (bar: least to most of 9 pairs; red: aim)", lab.Rows));
        return 0;
    }

    private double Measure(IEnumerable<string> controls)
    {
        lab.WriteModel("www/model.bin", SizeBytes);
        using var plain = lab.StartNginx(
            "nginx", "nginx-static.conf", "/model.bin", IPAddress.Loopback, [], [("ROOT", lab["www"])]);
        using var slice = lab.StartNginx(
            "nginx slice cache", "nginx-slice.conf", "/model.bin", IPAddress.Loopback, [],
            [("UPSTREAM", $"127.0.0.1:{plain.Port}")]);
        using var thaw = lab.StartThaw(
            "cache", $$"""{name: models, origin: "file://{{lab["www"]}}", revalidate: 1h}""", "/models/model.bin");
        using var before = new CongestionControl();
        Fill(thaw, slice);
        foreach (var control in controls.Distinct())
            if (CongestionControl.Present == control || CongestionControl.TrySet(control))
                Compare(control, thaw, plain, slice, hasAims: control == controls.First());
            else
                Console.Error.WriteLine($"congestion control {control} cannot be set; left out");
        return thaw.PeakMebibytes();
    }

    private void Compare(string control, ServerProcess thaw, ServerProcess plain, ServerProcess slice, bool hasAims)
    {
        var script = lab.Peer("ranges.lua");
        Pairs("GET of 2 GiB, one stream", "GB/s", plain, 1.5, Clients.WholeByCurl);
        Pairs("8 MiB ranges, 16 readers", "GB/s", plain, 1, one => Clients.RangesByThreads(one, SizeBytes));
        Pairs("4 KiB ranges, 16 connections", "requests/s", plain, 0.6, SmallRanges);
        Pairs("4 KiB ranges, 16 connections", "requests/s", slice, 1, SmallRanges);
        Pairs("first byte of 1 MiB, median", "µs", plain, 0, one => Clients.FirstByte(one, SizeBytes));

        Sample SmallRanges(ServerProcess one) => Clients.SmallRangesByWrk(one, SizeBytes, script, SecondsOfRanges);

        void Pairs(string name, string unit, ServerProcess peer, double aim, Func<ServerProcess, Sample> client) =>
            lab.Compare(
                new Comparison(name, unit, control) { Peer = peer.Name, Aim = hasAims ? aim : 0 },
                () => Proven(thaw, client), () => Turn.Of(peer, client));
    }

    private Turn Proven(ServerProcess thaw, Func<ServerProcess, Sample> client)
    {
        var tiers = lab.Tiers();
        var turn = Turn.Of(thaw, client);
        lab.Tiers().AssertLocal(tiers, turn.Sample.Bytes);
        return turn;
    }

    /// <summary>Both caches hold every byte, and the files' pages are in memory, before anything is measured.</summary>
    private void Fill(ServerProcess thaw, ServerProcess slice)
    {
        Clients.WholeByCurl(thaw);
        Clients.WholeByCurl(slice);
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(100))
        {
            var tiers = lab.Tiers();
            if (tiers.CacheBytes == SizeBytes && tiers.InFlight == 0)
                break;
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(1))
                throw new InvalidOperationException($"the cache holds {tiers.CacheBytes} of {SizeBytes} bytes");
        }

        Clients.WholeByCurl(thaw);
        Clients.WholeByCurl(slice);
    }
}
