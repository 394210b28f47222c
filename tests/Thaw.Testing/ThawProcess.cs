using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using Thaw.Core.Api;

namespace Thaw.Testing;

/// <summary>
/// A real node: <c>thaw serve</c> as a process of its own, with a directory for its configuration and cache. Kill or
/// stop it and start it again with <see cref="StartAsync(CancellationToken)"/>: ports and cache stay. One test at a
/// time uses it.
/// </summary>
public sealed partial class ThawProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KillLimit = TimeSpan.FromSeconds(10);
    private const int SigTerm = 15;

    private readonly TempFolder _folder = new();
    private readonly ThawSettings _settings;
    private BoundedText _log = new();
#pragma warning disable CA2213 // the wait for its end disposes it
    private Process? _process;
#pragma warning restore CA2213

    private ThawProcess(ThawSettings settings)
    {
        _settings = settings;
        var ports = FreePorts.Take(2);
        S3 = new Uri($"http://127.0.0.1:{ports[0]}");
        Control = new Uri($"http://127.0.0.1:{ports[1]}");
        Http = new HttpClient { BaseAddress = Control, Timeout = TimeSpan.FromSeconds(30) };
        Directory.CreateDirectory(CacheFolder);
        ConfigFile = _folder.Write("thaw.yaml", settings.ToYaml(CacheFolder, Tree, ports[0], ports[1]));
    }

    /// <summary>S3 endpoint.</summary>
    public Uri S3 { get; }

    /// <summary>Control endpoint.</summary>
    public Uri Control { get; }

    /// <summary>A client of the control endpoint.</summary>
    public HttpClient Http { get; }

    /// <summary>Its configuration.</summary>
    public string ConfigFile { get; }

    /// <summary>Its cache disk.</summary>
    public string CacheFolder => _folder["cache"];

    /// <summary>Where its POSIX tree is, if it has one.</summary>
    public string Tree => _folder["tree"];

    /// <summary>The end of what it wrote to standard output and standard error in this run.</summary>
    public string Log => _log.ToString();

    /// <summary>Process id of this run.</summary>
    public int Pid => Running.Id;

    /// <summary>Resident memory now, in bytes.</summary>
    public long ResidentBytes => StatusBytes("VmRSS");

    /// <summary>Most resident memory since start or <see cref="ForgetPeak"/>, in bytes.</summary>
    public long PeakResidentBytes => StatusBytes("VmHWM");

    private Process Running => _process ?? throw new InvalidOperationException("The node does not run.");

    /// <summary>Starts a node and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended; the message has its log.</exception>
    /// <exception cref="TimeoutException">It was not ready in 30 s; the message has its log.</exception>
    public static async Task<ThawProcess> StartAsync(
        ThawSettings settings, CancellationToken cancellationToken = default)
    {
        var node = new ThawProcess(settings);
        try
        {
            await node.StartAsync(cancellationToken);
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again after <see cref="KillAsync"/> or <see cref="TerminateAsync"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_process is not null)
            throw new InvalidOperationException("The node runs already.");
        if (!File.Exists(Places.Executable))
            throw new FileNotFoundException($"{Places.Executable} is missing: build src/Thaw.Cli.", Places.Executable);
        var log = _log = new BoundedText();
        string[] line = [.. _settings.Through, Places.Executable, "serve", "--config", ConfigFile];
        _process = new Process
        {
            StartInfo = Command.StartInfo(line[0], line[1..], new Dictionary<string, string?>()),
        };
        _process.OutputDataReceived += (_, line) => log.Add(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => log.Add(line.Data ?? "");
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.HoldsAsync(
            $"{_settings.Name} becomes ready", () => IsReadyAsync(cancellationToken), () => Log, StartLimit,
            cancellationToken);
    }

    /// <summary>Its counters.</summary>
    public async Task<NodeStats> GetStatsAsync(CancellationToken cancellationToken = default) =>
        await Http.GetFromJsonAsync("/api/v1/stats", ApiJson.Default.NodeStats, cancellationToken)
        ?? throw new InvalidOperationException("GET /api/v1/stats answered null.");

    /// <summary>Forgets the peak of resident memory: it counts from here.</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{Pid}/clear_refs", "5");

    /// <summary>SIGKILL, as from the kernel.</summary>
    public async Task KillAsync()
    {
        Running.Kill();
        await ForgetAsync(KillLimit);
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    /// <exception cref="TimeoutException">It did not exit within <c>node.drain</c> and 5 s; it is killed
    /// then.</exception>
    public async Task<int> TerminateAsync()
    {
        if (Kill(Pid, SigTerm) != 0)
            throw new InvalidOperationException($"kill({Pid}, SIGTERM) failed with {Marshal.GetLastPInvokeError()}.");
        return await ForgetAsync(_settings.Drain + TimeSpan.FromSeconds(5));
    }

    /// <summary>Kills it and removes its files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
        if (_settings.HasPosix)
            await new Command("umount", "-l", Tree).TryRunAsync(CancellationToken.None);
        Http.Dispose();
        _folder.Dispose();
    }

    private async ValueTask<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        if (Running.HasExited)
            throw new InvalidOperationException($"{_settings.Name} ended with {Running.ExitCode}.\n{Log}");
        try
        {
            using var answer = await Http.GetAsync("/readyz", cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // nobody listens yet
        }
    }

    private async Task<int> ForgetAsync(TimeSpan limit)
    {
        using var process = Running;
        _process = null;
        using var limited = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(limited.Token);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{_settings.Name} did not exit within {limit.TotalSeconds:0} s.\n{Log}");
        }
    }

    private long StatusBytes(string field)
    {
        foreach (var line in File.ReadLines($"/proc/{Pid}/status"))
            if (line.StartsWith(field + ":", StringComparison.Ordinal))
                return 1024 * long.Parse(
                    line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
        throw new InvalidOperationException($"/proc/{Pid}/status has no {field}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
