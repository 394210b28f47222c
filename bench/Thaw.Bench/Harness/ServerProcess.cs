using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Thaw.Bench.Harness;

/// <summary>A server under measurement: its processes, where it listens, what its processor time is.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly Process _process;

    private ServerProcess(string name, IPAddress address, int port, string path, Process process) =>
        (Name, Address, Port, Path, _process) = (name, address, port, path, process);

    public string Name { get; }

    public IPAddress Address { get; }

    public int Port { get; }

    /// <summary>Path of the measured object.</summary>
    public string Path { get; }

    public string Url => $"http://{Address}:{Port}{Path}";

    /// <summary>Starts it and waits until it listens.</summary>
    public static ServerProcess Start(
        string name, IPAddress address, int port, string path, string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} did not start");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var server = new ServerProcess(name, address, port, path, process);
        for (var start = Stopwatch.GetTimestamp(); !Listens(address, port); Thread.Sleep(20))
            if (process.HasExited || Stopwatch.GetElapsedTime(start) > StartLimit)
            {
                server.Dispose();
                throw new InvalidOperationException($"{name} does not listen on port {port}");
            }

        return server;
    }

    /// <summary>User and system seconds of the process and its children until now.</summary>
    public double ProcessorSeconds() =>
        Children(_process.Id).Prepend(_process.Id).Sum(pid => Ticks(pid)) / 100.0;

    /// <summary>Resident memory of the process now, in MiB.</summary>
    public double ResidentMebibytes() => Status("VmRSS:");

    /// <summary>Most resident memory of the process so far, in MiB.</summary>
    public double PeakMebibytes() => Status("VmHWM:");

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static bool Listens(IPAddress address, int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(address, port);
            return true;
        }
        catch (SocketException)
        {
            return false; // not yet
        }
    }

    private double Status(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status")
            .First(line => line.StartsWith(name, StringComparison.Ordinal));
        return Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) / 1024.0;
    }

    private static IEnumerable<int> Children(int pid) =>
        File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));

    // utime and stime are fields 14 and 15 of /proc/PID/stat, in hundredths of a second (proc(5)).
    private static long Ticks(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return Number(fields[11]) + Number(fields[12]);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
