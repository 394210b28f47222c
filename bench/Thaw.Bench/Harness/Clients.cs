using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Thaw.Bench.Harness;

/// <summary>The clients: the same for every server.</summary>
internal static partial class Clients
{
    private const int PartBytes = 8 << 20;

    /// <summary>One stream, the whole object, by curl.</summary>
    public static Sample WholeByCurl(ServerProcess server)
    {
        var text = Output(
            "curl", ["-sS", "--fail", "-o", "/dev/null", "-w", "%{speed_download} %{size_download}", server.Url], []);
        var parts = text.Split(' ');
        return new Sample(Number(parts[0]) / 1e9, (long)Number(parts[1]));
    }

    /// <summary>
    /// So many at once, each the whole object by curl: the rate of the object, until the last has it.
    /// </summary>
    public static Sample WholeByCurls(ServerProcess server, int readers, long sizeBytes)
    {
        var start = Stopwatch.GetTimestamp();
        var curls = Enumerable.Range(0, readers).Select(_ => Process.Start(
            new ProcessStartInfo("curl", ["-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", server.Url])
            {
                RedirectStandardOutput = true,
            })!).ToArray();
        foreach (var curl in curls)
            using (curl)
            {
                var size = curl.StandardOutput.ReadToEnd();
                curl.WaitForExit();
                if (curl.ExitCode != 0 || (long)Number(size) != sizeBytes)
                    throw new InvalidOperationException($"curl got {size} bytes of {server.Url}");
            }

        return new Sample(sizeBytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9, sizeBytes * readers);
    }

    /// <summary>16 connections, each a thread, read ranges of 8 MiB of the object, once over.</summary>
    public static Sample RangesByThreads(ServerProcess server, long sizeBytes)
    {
        const int readers = 16;
        var next = -1L;
        var start = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, readers).Select(_ => new Thread(() =>
        {
            using var connection = new RangeConnection(server);
            while (Interlocked.Increment(ref next) * PartBytes is var offset && offset < sizeBytes)
                connection.Read(offset, (int)Math.Min(PartBytes, sizeBytes - offset));
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        return new Sample(sizeBytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9, sizeBytes);
    }

    /// <summary>4 KiB at random places, 16 connections, by wrk.</summary>
    public static Sample SmallRangesByWrk(ServerProcess server, long sizeBytes, string script, int seconds)
    {
        var text = Output(
            "wrk",
            ["-t2", "-c16", $"-d{seconds}s", "--latency", "-s", script, $"http://{server.Address}:{server.Port}"],
            [("BENCH_PATH", server.Path), ("BENCH_BYTES", $"{sizeBytes}")]);
        if (Errors().IsMatch(text))
            throw new InvalidOperationException($"{server.Name} answered errors:\n{text}");
        var p99 = Percentile().Match(text);
        var scale = p99.Groups[2].Value switch { "us" => 1, "ms" => 1e3, _ => 1e6 };
        var rate = Number(PerSecond().Match(text).Groups[1].Value);
        var bytes = (long)Number(Requests().Match(text).Groups[1].Value) * 4096;
        return new Sample(rate, bytes, Number(p99.Groups[1].Value) * scale);
    }

    /// <summary>
    /// From a request for 1 MiB to the first byte of its answer, one connection, 500 requests: p50 and p99.
    /// </summary>
    public static Sample FirstByte(ServerProcess server, long sizeBytes)
    {
        const int requests = 500;
        const int bytes = 1 << 20;
        using var connection = new RangeConnection(server);
        var times = new double[requests];
        for (var i = 0; i < requests; i++)
            times[i] = connection.Read((long)i * bytes % (sizeBytes - bytes), bytes).TotalMicroseconds;
        Array.Sort(times);
        return new Sample(times[requests / 2], (long)requests * bytes, times[requests * 99 / 100]);
    }

    private static string Output(string program, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? text
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}:\n{text}");
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Percentile();

    [GeneratedRegex("Non-2xx|Socket errors")]
    private static partial Regex Errors();

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Requests();

    /// <summary>A connection that asks for ranges one after the other and throws the bytes away.</summary>
    internal sealed class RangeConnection : IDisposable
    {
        private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly byte[] _buffer = new byte[256 << 10];
        private readonly string _path;

        public RangeConnection(ServerProcess server)
        {
            _path = server.Path;
            _socket.Connect(server.Address, server.Port);
        }

        /// <summary>Reads one range; returns the time to its first byte.</summary>
        public TimeSpan Read(long offset, int bytes)
        {
            var start = Stopwatch.GetTimestamp();
            _socket.Send(Encoding.ASCII.GetBytes(
                $"GET {_path} HTTP/1.1\r\nHost: bench\r\nRange: bytes={offset}-{offset + bytes - 1}\r\n\r\n"));
            var (received, end) = (0, -1);
            TimeSpan? first = null;
            while (end < 0)
            {
                received += Receive(received);
                first ??= Stopwatch.GetElapsedTime(start);
                end = _buffer.AsSpan(0, received).IndexOf("\r\n\r\n"u8);
            }

            if (!_buffer.AsSpan().StartsWith("HTTP/1.1 206"u8))
                throw new InvalidOperationException(Encoding.ASCII.GetString(_buffer, 0, end));
            for (var rest = bytes - (received - end - 4); rest > 0;)
                rest -= Receive(0);
            return first!.Value;
        }

        public void Dispose() => _socket.Dispose();

        private int Receive(int from) => _socket.Receive(_buffer.AsSpan(from)) is var count and > 0
            ? count
            : throw new InvalidOperationException($"{_path}: the connection was closed in the middle of an answer");
    }
}
