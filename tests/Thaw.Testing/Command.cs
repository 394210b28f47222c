using System.Diagnostics;

namespace Thaw.Testing;

/// <summary>Runs a program to its end.</summary>
public sealed record Command(string Program, params string[] Arguments)
{
    /// <summary>Variables to set; null takes one away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Longest run; after it the process is killed.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Runs it and returns what it wrote to standard output.</summary>
    /// <exception cref="InvalidOperationException">Its exit code is not 0, or it ran too long.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken)
    {
        var (code, output, error) = await TryRunAsync(cancellationToken);
        return code == 0
            ? output
            : throw new InvalidOperationException($"'{this}' ended with {code}.\n{output}\n{error}");
    }

    /// <summary>Runs it and returns its exit code and output.</summary>
    /// <exception cref="InvalidOperationException">It ran too long.</exception>
    public async Task<(int ExitCode, string Output, string Error)> TryRunAsync(CancellationToken cancellationToken)
    {
        using var process = Process.Start(StartInfo(Program, Arguments, Environment))!;
        process.StandardInput.Close();
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limited.Token);
            var error = process.StandardError.ReadToEndAsync(limited.Token);
            await process.WaitForExitAsync(limited.Token);
            return (process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"'{this}' ran longer than {Limit.TotalSeconds:0} s.");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    /// <inheritdoc />
    public override string ToString() => $"{Program} {string.Join(' ', Arguments)}";

    /// <summary>All streams redirected; no variable of this shell that leads S3 clients elsewhere.</summary>
    public static ProcessStartInfo StartInfo(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsForeign).ToArray())
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        return start;
    }

    private static bool IsForeign(string name) =>
        name.StartsWith("AWS_", StringComparison.Ordinal)
        || name.StartsWith("THAW_", StringComparison.Ordinal)
        || name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase);
}
