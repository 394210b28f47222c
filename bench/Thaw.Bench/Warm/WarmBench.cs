using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Thaw.Bench.Warm;

/// <summary>
/// The warm path of the S3 face beside nginx over the same bytes: pairs in turns, the tier that served proven by the
/// node's counters, processor time of the servers' processes. Writes a table.
/// </summary>
internal sealed class WarmBench(string binary, string root, string work, int pairs)
{
    private const long SizeBytes = 2L << 30;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly List<Comparison> _rows = [];
    private readonly int _control = FreePort();
    private int _rounds;
    private double _peak;

    /// <summary>
    /// Runs all comparisons with each congestion control and writes the table; returns the exit code.
    /// </summary>
    public static int Run(string[] arguments)
    {
        var quick = arguments.Contains("--quick");
        var binary = Value(arguments, "--thaw") ?? throw new ArgumentException("--thaw PATH is missing");
        var root = Value(arguments, "--root") ?? throw new ArgumentException("--root DIRECTORY is missing");
        var work = Directory.CreateTempSubdirectory("thaw-bench-");
        try
        {
            var bench = new WarmBench(binary, root, work.FullName, quick ? 3 : 9);
            var controls = Value(arguments, "--control") ?? $"{CongestionControl.Present},cubic";
            bench.Measure(controls.Split(',').Distinct());
            var text = bench.Table(quick);
            Console.WriteLine(text);
            var name = Value(arguments, "--result") ?? (quick ? null : $"warm-{DateTime.UtcNow:yyyy-MM-dd}.md");
            if (name is not null)
                File.WriteAllText(Path.Combine(root, "bench", "results", name), text);
            return 0;
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private void Measure(IEnumerable<string> controls)
    {
        var www = Directory.CreateDirectory(Path.Combine(work, "www")).FullName;
        WriteRandom(Path.Combine(www, "model.bin"));
        using var plain = StartNginx("nginx", "nginx-static.conf", [("ROOT", www)]);
        using var slice = StartNginx(
            "nginx slice cache", "nginx-slice.conf", [("UPSTREAM", plain.Port.ToString(CultureInfo.InvariantCulture))]);
        using var thaw = StartThaw(www);
        using var before = new CongestionControl();
        Fill(thaw, slice);
        foreach (var control in controls)
        {
            if (CongestionControl.Present != control && !CongestionControl.TrySet(control))
            {
                Console.Error.WriteLine($"congestion control {control} cannot be set; left out");
                continue;
            }

            Compare(control, thaw, plain, slice);
        }

        _peak = thaw.PeakMebibytes();
    }

    private void Compare(string control, ServerProcess thaw, ServerProcess plain, ServerProcess slice)
    {
        var script = Path.Combine(root, "bench", "peers", "ranges.lua");
        const int seconds = 1;
        Pairs("GET of 2 GiB, one stream", "GB/s", control, thaw, plain, Clients.WholeByCurl);
        Pairs("8 MiB ranges, 16 readers", "GB/s", control, thaw, plain, one => Clients.RangesByThreads(one, SizeBytes));
        Pairs("4 KiB ranges, 16 connections", "requests/s", control, thaw, plain,
            one => Clients.SmallRangesByWrk(one, SizeBytes, script, seconds));
        Pairs("4 KiB ranges, 16 connections", "requests/s", control, thaw, slice,
            one => Clients.SmallRangesByWrk(one, SizeBytes, script, seconds));
        Pairs("first byte of 1 MiB, median", "µs", control, thaw, plain, one => Clients.FirstByte(one, SizeBytes));
    }

    private void Pairs(
        string name, string unit, string control, ServerProcess thaw, ServerProcess peer,
        Func<ServerProcess, Sample> client)
    {
        var row = new Comparison(name, unit, control) { Peer = peer.Name };
        for (var pair = 0; pair < pairs; pair++)
            foreach (var server in _rounds++ % 2 == 0 ? [thaw, peer] : (ServerProcess[])[peer, thaw])
            {
                var tiers = ServedTiers.Read(_http, _control);
                var processor = server.ProcessorSeconds();
                var sample = client(server);
                row.Add(server == thaw, sample, server.ProcessorSeconds() - processor);
                if (server == thaw)
                    ServedTiers.Read(_http, _control).AssertLocal(tiers, sample.Bytes);
            }

        _rows.Add(row);
        Console.Error.WriteLine(row.Row());
    }

    /// <summary>Both caches hold every byte, and the files' pages are in memory, before anything is measured.</summary>
    private void Fill(ServerProcess thaw, ServerProcess slice)
    {
        Clients.WholeByCurl(thaw);
        Clients.WholeByCurl(slice);
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(100))
        {
            var tiers = ServedTiers.Read(_http, _control);
            if (tiers.CacheBytes == SizeBytes && tiers.InFlight == 0)
                break;
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(1))
                throw new InvalidOperationException($"the cache holds {tiers.CacheBytes} of {SizeBytes} bytes");
        }

        Clients.WholeByCurl(thaw);
        Clients.WholeByCurl(slice);
    }

    private ServerProcess StartThaw(string www)
    {
        var port = FreePort();
        var config = Path.Combine(work, "thaw.yaml");
        File.WriteAllText(config, $$"""
            node: {name: bench, drain: 5s}
            cache: {disks: [{path: {{work}}/cache, capacity: 8GiB}], memory: 256MiB}
            s3: {listen: 127.0.0.1:{{port}}}
            control: {listen: 127.0.0.1:{{_control}}}
            mounts: [{name: models, origin: "file://{{www}}", revalidate: 1h}]
            """);
        return ServerProcess.Start(
            "thaw", port, "/models/model.bin", binary, "serve", "--config", config, "--log-level", "warning");
    }

    private ServerProcess StartNginx(string name, string file, (string Name, string Value)[] values)
    {
        var port = FreePort();
        var run = Directory.CreateDirectory(Path.Combine(work, Path.GetFileNameWithoutExtension(file))).FullName;
        var text = File.ReadAllText(Path.Combine(root, "bench", "peers", file))
            .Replace("RUNDIR", run, StringComparison.Ordinal);
        foreach (var (key, value) in values)
            text = text.Replace(key, value, StringComparison.Ordinal);
        text = text.Replace("PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        // As root, nginx gives its workers another user, who may not enter a temporary directory.
        if (Environment.UserName == "root")
            text = "user root;\n" + text;
        var config = Path.Combine(run, "nginx.conf");
        File.WriteAllText(config, text);
        return ServerProcess.Start(name, port, "/model.bin", "nginx", "-c", config);
    }

    private string Table(bool quick)
    {
        var cpu = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return $"""
            # Warm path beside nginx

            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, commit {Commit()}, Linux {Text("/proc/sys/kernel/osrelease")},
            {Environment.ProcessorCount} x {cpu?.Split(':')[^1].Trim()}, load {Text("/proc/loadavg")} at the end,
            {(binary.Contains("/bin/", StringComparison.Ordinal) ? "an ordinary build" : "the native binary")};
            {pairs} pairs in turns{(quick ? " (quick)" : "")}: median (least..most). One object of 2 GiB in the page
            cache, loopback, clients on the same machine. CPU: user and system seconds of the server's processes for a
            GB of body. All bytes of every turn of Thaw came from the local tier (its counters before and after), each
            block checked.

            | TCP | measured | Thaw | peer | peer's | ratio | Thaw CPU s/GB | its | ratio | Thaw p99 µs | its |
            |---|---|---|---|---|---|---|---|---|---|---|
            {string.Join('\n', _rows.Select(row => row.Row()))}

            Most resident memory of Thaw: {_peak:F0} MiB, with 256 MiB of `cache.memory` while it loaded.

            """;
    }

    private static string Text(string path) => File.ReadAllText(path).Trim();

    private string Commit()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", root, "describe", "--always", "--dirty"])
        {
            RedirectStandardOutput = true,
        })!;
        return git.StandardOutput.ReadToEnd().Trim();
    }

    private static string? Value(string[] arguments, string name) =>
        Array.IndexOf(arguments, name) is var at and >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;

    private static void WriteRandom(string path)
    {
        var random = new Random(7);
        var piece = new byte[8 << 20];
        using var file = File.Create(path, 1);
        for (long done = 0; done < SizeBytes; done += piece.Length)
        {
            random.NextBytes(piece);
            file.Write(piece);
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
