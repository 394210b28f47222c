using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Thaw.Bench.Transfer;

namespace Thaw.Bench.ColdStart;

/// <summary>
/// Network namespaces around a bridge in one of their own, each behind a link that is shaped both ways with tbf.
/// Removed when disposed or when the process is asked to end; those of a run that was killed go when the next one
/// starts. Needs root.
/// </summary>
internal sealed class Star : IDisposable
{
    private const string Prefix = "thaw-cold-";

    private readonly string _tag = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
    private readonly List<string> _spaces = [];
    private readonly PosixSignalRegistration[] _signals;
    private readonly string _hub;

    public Star()
    {
        RemoveLeftovers();
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal =>
            PosixSignalRegistration.Create(signal, _ => Remove()))];
        _hub = $"{Prefix}{_tag}-hub";
        Ip("netns", "add", _hub);
        _spaces.Add(_hub);
        Ip("-n", _hub, "link", "add", "hub", "type", "bridge");
        Ip("-n", _hub, "link", "set", "hub", "up");
    }

    public static string AddressOf(int index) => string.Create(CultureInfo.InvariantCulture, $"10.231.8.{10 + index}");

    /// <summary>A namespace with the address of its index; the link's rate is for each way.</summary>
    public string Add(int index, double megabytesPerSecond)
    {
        var space = $"{Prefix}{_tag}-{index}";
        var (inside, outside) = ($"in{index}", $"out{index}");
        Ip("netns", "add", space);
        _spaces.Add(space);
        Ip("link", "add", inside, "netns", space, "type", "veth", "peer", "name", outside, "netns", _hub);
        Ip("-n", _hub, "link", "set", outside, "master", "hub");
        Ip("-n", space, "address", "add", AddressOf(index) + "/24", "dev", inside);
        Ip("-n", space, "link", "set", "lo", "up");
        foreach (var (where, link) in ((string, string)[])[(space, inside), (_hub, outside)])
        {
            Ip("-n", where, "link", "set", link, "up");
            // A burst of 5 ms, but more than the largest segment; a queue of 20 ms.
            var bits = (megabytesPerSecond * 8000).ToString("F0", CultureInfo.InvariantCulture);
            var burst = Math.Max(128, megabytesPerSecond * 5).ToString("F0", CultureInfo.InvariantCulture);
            Run("tc", "-n", where, "qdisc", "add", "dev", link, "root", "tbf",
                "rate", bits + "kbit", "burst", burst + "k", "latency", "20ms");
        }

        return space;
    }

    /// <summary>What iperf3 gets in MB/s from one namespace to that of an index.</summary>
    public double Measure(string from, int to)
    {
        using var server = new Worker($"{Prefix}{_tag}-{to}", "iperf3", "-s", "-1", "-p", "5201");
        for (var attempt = 0; ; attempt++)
        {
            using var json = JsonDocument.Parse(
                Output(from, "iperf3", "-c", AddressOf(to), "-p", "5201", "-l", "1M", "-t", "3", "-O", "1", "-J"));
            if (json.RootElement.TryGetProperty("end", out var end) && end.TryGetProperty("sum_received", out var sum))
                return sum.GetProperty("bits_per_second").GetDouble() / 8e6;
            if (attempt == 20)
                throw new IOException("iperf3 does not get through");
            Thread.Sleep(100);
        }
    }

    /// <summary>Waits until a server in a namespace answers.</summary>
    public static void WaitFor(string space, string url)
    {
        for (var start = Stopwatch.GetTimestamp(); ; Thread.Sleep(100))
        {
            if (Output(space, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url) is "200" or "403")
                return;
            if (Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(30))
                throw new IOException($"nobody answers at {url} in {space}");
        }
    }

    /// <summary>What a program says in a namespace.</summary>
    public static string Output(string space, params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", space, .. command])
        {
            RedirectStandardOutput = true,
        })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text.Trim();
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        Remove();
    }

    private void Remove()
    {
        lock (_spaces)
        {
            foreach (var space in _spaces)
                RemoveSpace(space);
            _spaces.Clear();
        }
    }

    /// <summary>Ends what still runs in a namespace, and removes it.</summary>
    private static void RemoveSpace(string space)
    {
        foreach (var line in Capture("ip", "netns", "pids", space).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Capture("kill", "-KILL", line.Trim());
        Capture("ip", "netns", "delete", space);
    }

    private static void RemoveLeftovers()
    {
        foreach (var line in Capture("ip", "netns", "list").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = line.Split(' ')[0];
            if (name.StartsWith(Prefix, StringComparison.Ordinal)
                && !Directory.Exists($"/proc/{name[Prefix.Length..].Split('-')[0]}"))
                RemoveSpace(name);
        }
    }

    private static void Ip(params string[] arguments) => Run("ip", arguments);

    private static string Capture(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{program} {string.Join(' ', arguments)}: {error.Trim()}");
    }
}
