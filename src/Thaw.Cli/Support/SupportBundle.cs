using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Thaw.Cli.Verbs;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Daemon.Checks;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli.Support;

/// <summary>
/// A compressed archive for a bug report: the doctor's lines, the options that are set, what the node says of itself, a
/// few files of the kernel. Files that hold credentials are never opened, a configuration file is never copied: only
/// the options that were understood are written. Every text passes <see cref="Redaction"/> all the same.
/// </summary>
internal sealed class SupportBundle(TimeProvider clock)
{
    private static readonly string[] KernelFiles =
    [
        "/proc/version", "/proc/meminfo", "/proc/self/limits", "/proc/self/cgroup", "/proc/self/mountinfo",
            "/proc/loadavg",
        "/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem", "/proc/sys/net/ipv4/tcp_congestion_control",
        "/etc/os-release",
    ];

    private readonly List<(string Name, string Text)> _entries = [];

    /// <summary>Adds what the doctor found.</summary>
    public void Add(DoctorReport report)
    {
        // What is wrong with a file may repeat what is written in it: keys and lines are told, sentences are not.
        var checks = report.Checks.Select(check => check is { Name: DoctorVerb.ConfigCheck, State: CheckState.Fail }
            ? check with { Found = check.Found.Split(':')[0] } : check);
        Add("doctor.json", JsonSerializer.Serialize(report with { Checks = [.. checks] },
            CliJson.Default.DoctorReport));
    }

    /// <summary>Adds the options that are set, or what is wrong with the file.</summary>
    public void Add(ConfigReading reading)
    {
        if (reading.Config is { } config)
            Add("config.txt", string.Join('\n', ConfigDifference.Flatten(config)
                .Where(option => option.Value is not null)
                .OrderBy(option => option.Key, StringComparer.Ordinal).Select(option =>
                    $"{option.Key}: {option.Value}")));
        else
            Add("config-errors.txt", string.Join('\n', reading.Errors.Select(error =>
                string.Create(CultureInfo.InvariantCulture, $"line {error.Line}: {error.Key}"))));
    }

    /// <summary>Adds counters, mounts and jobs of the node, or why they are missing.</summary>
    public async Task AddNodeAsync(NodeClient node, CancellationToken cancellationToken)
    {
        var stats = await node.GetStatsAsync(cancellationToken);
        if (stats.Value is null)
        {
            Add("node.txt", stats.Failure!.Sentence);
            return;
        }

        Add("stats.json", JsonSerializer.Serialize(stats.Value, ApiJson.Default.NodeStats));
        var mounts = await node.GetMountsAsync(cancellationToken);
        Add("mounts.json", mounts.Value is null ? mounts.Failure!.Sentence
            : JsonSerializer.Serialize(mounts.Value, ApiJson.Default.IReadOnlyListMountStatus));
        var jobs = await node.GetJobsAsync(cancellationToken);
        Add("jobs.json", jobs.Value is null ? jobs.Failure!.Sentence
            : JsonSerializer.Serialize(jobs.Value, ApiJson.Default.IReadOnlyListJobStatus));
    }

    /// <summary>Writes the archive; null, or why it could not be written.</summary>
    public async Task<CliFailure?> WriteAsync(string file, CancellationToken cancellationToken)
    {
        Add("version.txt", $"thaw {ThawVersion.Text}");
        foreach (var kernel in KernelFiles)
            Add("host" + kernel, await ReadAsync(kernel, cancellationToken));
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (OperatingSystem.IsLinux())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            await using var output = new FileStream(file, options);
            await using var compressed = new GZipStream(output, CompressionLevel.Optimal);
            await using var archive = new TarWriter(compressed);
            foreach (var (name, text) in _entries)
                await archive.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "thaw-support/" + name)
                {
                    ModificationTime = clock.GetUtcNow(),
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text + "\n")),
                }, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new CliFailure(ExitCode.Failed,
                $"{file} cannot be written: {exception.Message.TrimEnd('.')}; name another file with --bundle.");
        }
    }

    private void Add(string name, string text) => _entries.Add((name, Redaction.Apply(text)));

    private static async Task<string> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(file, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"cannot be read: {exception.Message}";
        }
    }
}
