using System.Diagnostics;
using System.Globalization;

namespace Thaw.Bench.Transfer;

/// <summary>A process under measurement that answers a line with a line; ends when its input does.</summary>
internal sealed class Worker : IDisposable
{
    private readonly Process _process;
    private bool _isOver;

    public Worker(string? space, string program, params string[] arguments)
    {
        string[] all = space is null ? [program, .. arguments] : ["ip", "netns", "exec", space, program, .. arguments];
        _process = Process.Start(new ProcessStartInfo(all[0], all[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>What it prints from now on is nobody's business: a server's log.</summary>
    public Worker Unheard()
    {
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        return this;
    }

    /// <summary>Sends it a signal by name.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Asks it to end (SIGTERM) and waits.</summary>
    public void Terminate()
    {
        Signal("TERM");
        Dispose();
    }

    /// <summary>User and system seconds so far: fields 14 and 15 of /proc/PID/stat, hundredths (proc(5)).</summary>
    public double ProcessorSeconds
    {
        get
        {
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (Number(fields[11]) + Number(fields[12])) / 100;
        }
    }

    public string ReadLine() =>
        _process.StandardOutput.ReadLine() ?? throw new IOException("a process of the bench ended early");

    public string Ask(string line)
    {
        _process.StandardInput.WriteLine(line);
        return ReadLine();
    }

    public void Dispose()
    {
        if (_isOver)
            return;
        _isOver = true;
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(20)))
            _process.Kill();
        _process.Dispose();
    }

    public static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
