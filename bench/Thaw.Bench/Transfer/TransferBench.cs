using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Thaw.Core.Checksums;

namespace Thaw.Bench.Transfer;

/// <summary>
/// Node to node beside iperf3: two processes over loopback and over a shaped link, in turns with it, every block
/// checked by the receiver. Writes a table.
/// </summary>
internal sealed class TransferBench(string work, string control, long bytes, int pairs)
{
    private const int LinkMegabytes = 500;

    private static readonly string Program = Environment.ProcessPath!;

    private readonly List<string> _rows = [];

    public static int Run(string[] arguments)
    {
        var quick = arguments.Contains("--quick");
        var root = Value(arguments, "--root") ?? throw new ArgumentException("--root DIRECTORY is missing");
        var controls = (Value(arguments, "--control") ?? "cubic,bbr").Split(',');
        var work = Directory.CreateTempSubdirectory("thaw-bench-");
        try
        {
            var rows = new List<string>();
            foreach (var control in controls)
            {
                var folder = work.CreateSubdirectory(control);
                var bench = new TransferBench(folder.FullName, control, 1L << 28, quick ? 3 : 9);
                bench.Measure();
                rows.AddRange(bench._rows);
                folder.Delete(recursive: true);
            }

            var text = Table(root, rows, quick ? 3 : 9);
            Console.WriteLine(text);
            var name = Value(arguments, "--result") ?? (quick ? null : $"transfer-{DateTime.UtcNow:yyyy-MM-dd}.md");
            if (name is not null)
                File.WriteAllText(Path.Combine(root, "bench", "results", name), text);
            return 0;
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private void Measure()
    {
        using (var node = StartNode(null, "127.0.0.1", out var port))
        using (var iperf = new Iperf(null, "127.0.0.1", control))
        {
            foreach (var (streams, keeps) in ((int, bool)[])[(1, false), (4, false), (1, true), (4, true)])
                Pairs($"loopback, {Streams(streams)}, {(keeps ? "kept" : "not kept")}",
                    node, iperf, null, $"127.0.0.1:{port}", streams, keeps);
        }

        if (Environment.UserName != "root")
        {
            Console.Error.WriteLine("no shaped link: that needs root");
            return;
        }

        using var link = new ShapedLink(LinkMegabytes);
        using var shaped = StartNode(link.Left, ShapedLink.LeftAddress, out var shapedPort);
        using var beside = new Iperf(link.Left, ShapedLink.LeftAddress, control) { ClientSpace = link.Right };
        foreach (var streams in (int[])[1, 2])
            Pairs($"link of {LinkMegabytes} MB/s, {Streams(streams)}, kept", shaped, beside, link.Right,
                $"{ShapedLink.LeftAddress}:{shapedPort}", streams, true);
    }

    private void Pairs(
        string name, Worker node, Iperf iperf, string? space, string address, int streams, bool keeps)
    {
        var folder = Path.Combine(work, $"kept-{_rows.Count}");
        List<string> arguments = ["transfer-read", Text(bytes), address, control, Text(streams)];
        if (keeps)
            arguments.Add(Directory.CreateDirectory(folder).FullName);
        var (ours, theirs, ratios, sending, receiving) =
            (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        using (var reader = new Worker(space, Program, [.. arguments]))
        {
            reader.ReadLine();
            // Code is compiled and connections are made before anything counts.
            reader.Ask("");
            for (var pair = 0; pair < pairs; pair++)
            {
                double peer = 0;
                if (pair % 2 == 0)
                    peer = iperf.GigabytesPerSecond();
                var (sent, received) = (node.ProcessorSeconds, 0.0);
                var answer = reader.Ask("").Split(' ');
                received = Worker.Number(answer[1]);
                sent = node.ProcessorSeconds - sent;
                var rate = bytes / 1e9 / Worker.Number(answer[0]);
                if (pair % 2 != 0)
                    peer = iperf.GigabytesPerSecond();
                ours.Add(rate);
                theirs.Add(peer);
                ratios.Add(rate / peer);
                sending.Add(sent / (bytes / 1e9));
                receiving.Add(received / (bytes / 1e9));
            }
        }

        var both = sending.Zip(receiving, (left, right) => left + right).ToList();
        _rows.Add($"| {control} | {name} | {Spread(ours)} | {Spread(theirs)} | {Spread(ratios)} | {Spread(both)} "
            + $"| {Median(sending):F2} | {Median(receiving):F2} |");
        Console.Error.WriteLine(_rows[^1]);
    }

    private Worker StartNode(string? space, string address, out int port)
    {
        var folder = Path.Combine(work, space is null ? "node" : "node-shaped");
        var node = new Worker(
            space, Program, "transfer-serve", Directory.CreateDirectory(folder).FullName, Text(bytes), address,
            control);
        port = int.Parse(node.ReadLine(), CultureInfo.InvariantCulture);
        return node;
    }

    private static string Table(string root, List<string> rows, int pairs)
    {
        var cpu = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return $"""
            # Node to node beside iperf3

            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, commit {Commit(root)}, Linux {Read("/proc/sys/kernel/osrelease")},
            {Environment.ProcessorCount} x {cpu?.Split(':')[^1].Trim()}, load {Read("/proc/loadavg")} at the end;
            CRC-32C by {Crc32C.PathName}. {pairs} pairs in turns: median (least..most). Two processes; 256 MiB of a
            stored version whose pages are in memory, each block checked by the receiver; iperf3 -l 1M, one stream, with
            the same congestion control. Kept: through the store into a new version, as a node does it, in
            memory that was touched just before. CPU: user and
            system seconds of both processes for a GB.

            | TCP | measured | GB/s | iperf3 | ratio | CPU s/GB | of it sends | receives |
            |---|---|---|---|---|---|---|---|
            {string.Join('\n', rows)}

            """;
    }

    private static string Streams(int streams) => streams == 1 ? "one stream" : $"{streams} streams";

    private static string Spread(List<double> values) => string.Create(
        CultureInfo.InvariantCulture, $"{Median(values):F2} ({values.Min():F2}..{values.Max():F2})");

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Read(string path) => File.ReadAllText(path).Trim();

    private static string Commit(string root)
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", root, "describe", "--always", "--dirty"])
        {
            RedirectStandardOutput = true,
        })!;
        return git.StandardOutput.ReadToEnd().Trim();
    }

    private static string? Value(string[] arguments, string name) =>
        Array.IndexOf(arguments, name) is var at and >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;

    /// <summary>A server of iperf3 and its clients.</summary>
    private sealed class Iperf : IDisposable
    {
        private readonly Process _server;
        private readonly string _address;
        private readonly string _port;
        private readonly string _control;

        public Iperf(string? space, string address, string control)
        {
            (_address, _control) = (address, control);
            using (var probe = new Socket(SocketType.Stream, ProtocolType.Tcp))
            {
                probe.Bind(new IPEndPoint(IPAddress.Any, 0));
                _port = Text(((IPEndPoint)probe.LocalEndPoint!).Port);
            }

            _server = Start(space, "-s", "-p", _port);
            _server.OutputDataReceived += (_, _) => { };
            _server.BeginOutputReadLine();
        }

        public string? ClientSpace { get; init; }

        public double GigabytesPerSecond()
        {
            for (var attempt = 0; ; attempt++)
            {
                using var client = Start(
                    ClientSpace, "-c", _address, "-p", _port, "-l", "1M", "-t", "1", "-J", "-C", _control);
                var text = client.StandardOutput.ReadToEnd();
                client.WaitForExit();
                using var json = JsonDocument.Parse(text);
                if (json.RootElement.TryGetProperty("end", out var end)
                    && end.TryGetProperty("sum_received", out var sum))
                    return sum.GetProperty("bits_per_second").GetDouble() / 8e9;
                // Its server is still ending the test before, or not up yet.
                if (attempt == 20)
                    throw new IOException($"iperf3: {text}");
                Thread.Sleep(100);
            }
        }

        public void Dispose()
        {
            _server.Kill();
            _server.WaitForExit();
            _server.Dispose();
        }

        private static Process Start(string? space, params string[] arguments)
        {
            string[] all = space is null
                ? ["iperf3", .. arguments]
                : ["ip", "netns", "exec", space, "iperf3", .. arguments];
            return Process.Start(new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true })!;
        }
    }
}
