using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Thaw.Bench.Start;

/// <summary>
/// What a published binary weighs: its size, the time from exec to a <c>/readyz</c> that says 200, and the resident
/// memory of a node that has nothing to do. Each figure stands beside its limit; one over its limit is exit code 1.
/// </summary>
internal static class StartBench
{
    private const int Starts = 9;
    private const double MostMegabytes = 40;
    private const double MostReadyMilliseconds = 200;
    private const double MostIdleMegabytes = 60;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(3);

    public static int Run(string binary)
    {
        var folder = Directory.CreateTempSubdirectory("thaw-start-").FullName;
        try
        {
            var (port, config) = (FreePort(), Path.Combine(folder, "thaw.yaml"));
            Directory.CreateDirectory(Path.Combine(folder, "models"));
            File.WriteAllText(config, $$"""
                cache: {disks: [{path: {{folder}}/cache, capacity: 1GiB}]}
                mounts: [{name: models, origin: 'file://{{folder}}/models'}]
                s3: {listen: '127.0.0.1:0'}
                control: {listen: '127.0.0.1:{{port}}'}
                """);
            var runs = Enumerable.Range(0, Starts).Select(_ => StartOnce(binary, config, port)).ToArray();
            Console.WriteLine($"{binary}, {Starts} starts, a configuration with one disk and one mount\n");
            Console.WriteLine("| | median | least | most | limit |\n|---|---|---|---|---|");
            var ready = runs.Select(run => run.Ready.TotalMilliseconds).ToArray();
            var idle = runs.Select(run => run.IdleBytes / 1e6).ToArray();
            var size = new FileInfo(binary).Length / 1e6;
            Row("size, MB", [size], MostMegabytes);
            Row("exec to /readyz, ms", ready, MostReadyMilliseconds);
            Row("idle resident, MB", idle, MostIdleMegabytes);
            return size < MostMegabytes && Median(ready) < MostReadyMilliseconds && Median(idle) < MostIdleMegabytes
                ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (TimeSpan Ready, long IdleBytes) StartOnce(string binary, string config, int port)
    {
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(binary, ["serve", "--config", config])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{binary} did not start");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            while (!IsReady(port))
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
                    throw new InvalidOperationException($"{binary} was not ready in {StartLimit.TotalSeconds:0} s");
                Thread.Sleep(1);
            }

            var ready = Stopwatch.GetElapsedTime(started);
            Thread.Sleep(Idle);
            return (ready, ResidentBytes(process.Id));
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    // By hand: an HTTP client's first request takes longer than the start that is measured.
    private static bool IsReady(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect("127.0.0.1", port);
            socket.Send("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8);
            var answer = new byte[32];
            var read = socket.Receive(answer);
            return Encoding.ASCII.GetString(answer, 0, read).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false; // it does not listen yet
        }
    }

    private static long ResidentBytes(int pid)
    {
        var line = File.ReadLines($"/proc/{pid}/status")
            .First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(
            line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void Row(string name, double[] values, double limit) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {Median(values):0.0} | {values.Min():0.0} | {values.Max():0.0} | < {limit:0} |"));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
