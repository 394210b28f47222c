using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Thaw.Bench.Large;

/// <summary>
/// From exec to the first warm byte of a node with 10 TB, page cache dropped: after a clean stop and after kill -9, in
/// turns. Needs root for the page cache. Then memory when every version is in the accounts.
/// </summary>
internal static class LargeBench
{
    private const int Runs = 3;
    private const int Reads = 10_000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static int Run(string[] arguments)
    {
        if (arguments is not ["--thaw", var binary, "--dir", var folder, ..])
        {
            Console.Error.WriteLine("usage: Thaw.Bench large --thaw BINARY --dir DIRECTORY (made if missing)");
            return 2;
        }

        var root = Path.Combine(folder, "cache");
        if (!Directory.Exists(root))
            LargeCache.MakeAsync(root).GetAwaiter().GetResult();
        var origin = Directory.CreateDirectory(Path.Combine(folder, "origin")).FullName;
        var config = Path.Combine(folder, "thaw.yaml");
        File.WriteAllText(config, $$"""
            cache: {disks: [{path: {{root}}, capacity: 16TiB}]}
            mounts: [{name: {{LargeCache.Mount}}, origin: "file://{{origin}}", immutable: true}]
            s3: {listen: 127.0.0.1:7490}
            control: {listen: 127.0.0.1:7491}
            """);
        var random = new Random(1);
        var results = new Dictionary<string, List<StartResult>> { ["clean stop"] = [], ["kill -9"] = [] };
        Measure(binary, config, random, isKilled: true);
        for (var run = 0; run < Runs; run++)
        {
            // What a run finds is what the one before left.
            results["kill -9"].Add(Measure(binary, config, random, isKilled: false));
            results["clean stop"].Add(Measure(binary, config, random, isKilled: true));
        }

        Console.WriteLine("| after | first byte, small version, s | large one, s | scanned, s | RSS then, MiB | "
            + "RSS after reads, MiB | of it the program's file, MiB | most, MiB | processor, s |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var (name, runs) in results)
            Console.WriteLine($"| {name} | {Of(runs, one => one.FirstSmall)} | {Of(runs, one => one.FirstLarge)} | "
                + $"{Of(runs, one => one.Scanned)} | {Of(runs, one => one.ScannedMebibytes)} | "
                + $"{Of(runs, one => one.ReadMebibytes)} | {Of(runs, one => one.FileMebibytes)} | "
                + $"{Of(runs, one => one.MostMebibytes)} | {Of(runs, one => one.ProcessorSeconds)} |");
        return 0;
    }

    private static StartResult Measure(string binary, string config, Random random, bool isKilled)
    {
        Process.Start("sync").WaitForExit();
        File.WriteAllText("/proc/sys/vm/drop_caches", "3");
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(binary, ["serve", "--config", config])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            Fetch(process, 7490, PathOf(LargeCache.SmallKey(random.Next(LargeCache.Small))), "206", start);
            var small = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Fetch(process, 7490, PathOf(LargeCache.LargeKey(random.Next(LargeCache.Large))), "206", start);
            var large = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var versions = $"\"versions\":{LargeCache.Small + LargeCache.Large}";
            while (!Fetch(process, 7491, "/api/v1/stats", "200", start).Contains(versions, StringComparison.Ordinal))
                Thread.Sleep(100);
            var scanned = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var resident = Memory(process, "VmRSS:");
            for (var read = 0; read < Reads; read++)
                Fetch(process, 7490, PathOf(read % 2 == 0
                    ? LargeCache.SmallKey(random.Next(LargeCache.Small))
                    : LargeCache.LargeKey(random.Next(LargeCache.Large))), "206", start);
            var result = new StartResult(
                small, large, scanned, resident, Memory(process, "VmRSS:"), Memory(process, "RssFile:"),
                Memory(process, "VmHWM:"), Processor(process));
            Console.WriteLine(result);
            return result;
        }
        finally
        {
            if (isKilled)
                process.Kill();
            else
                Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
            process.WaitForExit();
        }
    }

    private static string PathOf(string key) => $"/{LargeCache.Mount}/{key}";

    private static string Fetch(Process process, int port, string path, string wanted, long start)
    {
        while (true)
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(start) > Limit)
                throw new InvalidOperationException($"{path} was not answered in time");
            try
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Connect("127.0.0.1", port);
                socket.Send(Encoding.ASCII.GetBytes(
                    $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-1023\r\nConnection: close\r\n\r\n"));
                var answer = new byte[1 << 16];
                var length = 0;
                for (int read; (read = socket.Receive(answer.AsSpan(length))) > 0;)
                    length += read;
                var text = Encoding.Latin1.GetString(answer, 0, length);
                return text.StartsWith($"HTTP/1.1 {wanted}", StringComparison.Ordinal)
                    ? text : throw new InvalidOperationException($"{path}: {text.Split('\r')[0]}");
            }
            catch (SocketException)
            {
                Thread.Sleep(5); // it does not listen yet
            }
        }
    }

    private static double Memory(Process process, string name) => double.Parse(
        File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;

    private static double Processor(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime.TotalSeconds;
    }

    private static string Of(List<StartResult> runs, Func<StartResult, double> of)
    {
        var sorted = runs.Select(of).Order().ToArray();
        return string.Create(CultureInfo.InvariantCulture,
            $"{sorted[sorted.Length / 2]:F2} ({sorted[0]:F2}-{sorted[^1]:F2})");
    }

    private sealed record StartResult(
        double FirstSmall, double FirstLarge, double Scanned, double ScannedMebibytes, double ReadMebibytes,
        double FileMebibytes, double MostMebibytes, double ProcessorSeconds);
}
