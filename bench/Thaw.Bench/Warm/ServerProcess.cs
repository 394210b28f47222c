using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Thaw.Bench.Warm;

/// <summary>A server under measurement: its processes, where it listens, what its processor time is.</summary>
internal sealed class ServerProcess : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly Process _process;

    private ServerProcess(string name, int port, string path, Process process) =>
        (Name, Port, Path, _process) = (name, port, path, process);

    public string Name { get; }

    public int Port { get; }

    /// <summary>Path of the measured object.</summary>
    public string Path { get; }

    public string Url => $"http://127.0.0.1:{Port}{Path}";

    /// <summary>Starts it and waits until it listens.</summary>
    public static ServerProcess Start(string name, int port, string path, string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} did not start");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var server = new ServerProcess(name, port, path, process);
        for (var start = Stopwatch.GetTimestamp(); !Listens(port); Thread.Sleep(20))
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

    /// <summary>Most resident memory of the process so far, in MiB.</summary>
    public double PeakMebibytes()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status")
            .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2]) / 1024.0;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static bool Listens(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false; // not yet
        }
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
