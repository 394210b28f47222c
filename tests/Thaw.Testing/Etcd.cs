using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Thaw.Testing;

/// <summary>A real etcd of one member on free ports. It ends with the process that started it.</summary>
public sealed class Etcd : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly TempFolder _files = new();
    private readonly int[] _ports = FreePorts.Take(2);
    private readonly StringBuilder _log = new();
    private Process? _process;

    /// <summary>Where it listens.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{_ports[0]}");

    /// <summary>Starts it, with the keys that its directory holds.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var peer = $"http://127.0.0.1:{_ports[1]}";
        var client = Endpoint.GetLeftPart(UriPartial.Authority);
        var start = new ProcessStartInfo("setpriv",
        [
            "--pdeathsig", "KILL", "etcd", "--name", "test", "--data-dir", _files["keys"],
            "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer, "--initial-cluster", $"test={peer}",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.HoldsAsync("etcd answers",
            async () => (await Ctl("endpoint", "health").TryRunAsync(cancellationToken)).ExitCode == 0,
            ReadLog, StartLimit, cancellationToken);
    }

    /// <summary>Kills it; its keys stay in its directory.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Loses all that the stopped server has stored.</summary>
    public void Wipe() => Directory.Delete(_files["keys"], recursive: true);

    /// <summary>Forgets the history up to now.</summary>
    public async Task CompactAsync(CancellationToken cancellationToken)
    {
        var status = await Ctl("endpoint", "status", "--write-out", "json").RunAsync(cancellationToken);
        var at = status.IndexOf("\"revision\":", StringComparison.Ordinal) + 11;
        await Ctl("compact", string.Concat(status[at..].TakeWhile(char.IsAsciiDigit))).RunAsync(cancellationToken);
    }

    /// <summary>Writes a key under a lease that nobody renews.</summary>
    public async Task PutDyingAsync(string key, string value, int seconds, CancellationToken cancellationToken)
    {
        var granted = await Ctl("lease", "grant", seconds.ToString(CultureInfo.InvariantCulture))
            .RunAsync(cancellationToken);
        await Ctl("put", $"--lease={granted.Split(' ')[1]}", key, value).RunAsync(cancellationToken);
    }

    /// <summary>The keys with a prefix.</summary>
    public async Task<string[]> KeysAsync(string prefix, CancellationToken cancellationToken) =>
        (await Ctl("get", "--prefix", "--keys-only", prefix).RunAsync(cancellationToken))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
        _files.Dispose();
    }

    private Command Ctl(params string[] arguments) =>
        new("etcdctl", [$"--endpoints={Endpoint.GetLeftPart(UriPartial.Authority)}", .. arguments])
        {
            Environment = new Dictionary<string, string?> { ["ETCDCTL_API"] = "3" },
        };

    private void Note(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }

    private string ReadLog()
    {
        lock (_log)
            return _log.ToString();
    }
}
