using System.Diagnostics;
using System.Text.Json;
using Thaw.Cli.Verbs;

namespace Thaw.Cli.Demo;

/// <summary>
/// A node in a process of its own. It holds the other end of its standard input: when this process ends in any way,
/// killed too, the input closes and the node stops by itself.
/// </summary>
internal sealed class ChildNode : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(15);

    private readonly Process _process;
    private readonly Task _errors;
    private readonly Queue<string> _lastLines = new();

    private ChildNode(Process process)
    {
        _process = process;
        _errors = KeepErrorsAsync();
    }

    /// <summary>Where it listens; known once it is ready.</summary>
    public ServeReport Report { get; private set; } = new("", "", "");

    /// <summary>Starts <c>thaw serve</c> with a configuration file and waits until it is ready.</summary>
    public static async Task<Reply<ChildNode>> StartAsync(string config, CancellationToken cancellationToken)
    {
        var (program, first) = Program();
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in (string[])[
            .. first, "serve", "--config", config, "--json", "--log-level", "warning", ServeVerb.UntilStdinCloses])
            start.ArgumentList.Add(argument);
        var node = new ChildNode(
            Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"));
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(StartLimit);
            var line = await node._process.StandardOutput.ReadLineAsync(limit.Token);
            if (line is not null && JsonSerializer.Deserialize(line, CliJson.Default.ServeReport) is { } report)
            {
                node.Report = report;
                return node;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await node.DisposeAsync();
            return new CliFailure(
                ExitCode.Failed, $"the node was not ready within {StartLimit.TotalSeconds:0} s: {node.LastLines()}");
        }
        catch (Exception)
        {
            await node.DisposeAsync();
            throw;
        }

        await node.DisposeAsync();
        return new CliFailure(ExitCode.Failed, $"the node did not start: {node.LastLines()}");
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using (var limit = new CancellationTokenSource(StopLimit))
        {
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        await _errors;
        _process.Dispose();
    }

    /// <summary>The last lines of its log.</summary>
    public string LastLines()
    {
        lock (_lastLines)
            return _lastLines.Count == 0 ? "it said nothing." : string.Join('\n', _lastLines);
    }

    // This program, run as it was started: as a binary, or as "dotnet thaw.dll".
    private static (string Program, string[] First) Program()
    {
        var own = Environment.ProcessPath ?? "";
        if (Path.GetFileNameWithoutExtension(own).StartsWith("thaw", StringComparison.OrdinalIgnoreCase)
            && !Path.GetFileName(own).Contains("Tests", StringComparison.Ordinal))
            return (own, []);
        var beside = Path.Combine(AppContext.BaseDirectory, "thaw");
        return File.Exists(beside) ? (beside, []) : ("dotnet", [beside + ".dll"]);
    }

    private async Task KeepErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_lastLines)
            {
                _lastLines.Enqueue(line);
                if (_lastLines.Count > LinesKept)
                    _lastLines.Dequeue();
            }
        }
    }
}
