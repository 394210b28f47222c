using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Identity;
using Thaw.Storage.Names;

namespace Thaw.Tests.Storage.Names;

/// <summary>Entries, a directory of their own and comparable texts for tests of the names table.</summary>
internal static class NameSamples
{
    public const string Mount = "models";

    public static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>An entry whose every field follows from the number; each third has sums, metadata, weakness.</summary>
    public static NameEntry Entry(string key, int number, bool pinned = false) => new()
    {
        Key = key,
        Version = new ObjectVersion
        {
            Id = ContentId.Derive("test", (number / 2).ToString(CultureInfo.InvariantCulture)),
            SizeBytes = number,
            ETag = $"\"{number}\"",
            LastModified = Start.AddSeconds(number),
            ContentType = number % 3 == 0 ? null : number % 3 == 1 ? "" : "text/plain; charset=utf-8",
            Metadata = number % 2 == 0
                ? ImmutableSortedDictionary<string, string>.Empty
                : ImmutableSortedDictionary<string, string>.Empty.Add("empty", "").Add("n", $"é{number}"),
            Sum = number % 4 == 0 ? new OriginSum(SumKind.Crc32C, [1, 2, 3, (byte)number]) : null,
            IsWeak = number % 5 == 0,
        },
        LastAsked = Start.AddMinutes(number),
        LastUsed = number % 2 == 0 ? null : Start.AddMinutes(number + 0.5),
        Pinned = pinned,
    };

    public static string Show(ObjectVersion version) =>
        $"{version.Id} {version.SizeBytes} {version.ETag} {version.LastModified:O} "
            + $"type={version.ContentType ?? "none"} "
        + $"{string.Join(',', version.Metadata.Select(pair => $"{pair.Key}={pair.Value}"))} {version.Sum} "
        + $"weak={version.IsWeak}";

    public static string Show(NameEntry entry) =>
        $"{entry.Key}: {Show(entry.Version)} asked={entry.LastAsked:O} used={entry.LastUsed:O} pinned={entry.Pinned}";

    public static int ByUtf8(string a, string b) =>
        Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));

    public static NameTable Open(string? path, TimeProvider? time = null, ILogger? logger = null) =>
        NameTable.Open(Mount, path, time ?? TimeProvider.System, logger ?? NullLogger.Instance);
}

/// <summary>A directory that is removed at the end of a test.</summary>
internal sealed class NameDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("thaw-names-");

    public string Path => _directory.FullName;

    public string Log => System.IO.Path.Combine(Path, "models.names");

    public void Dispose() => _directory.Delete(recursive: true);
}

/// <summary>Keeps log lines.</summary>
internal sealed class NameLines : ILogger
{
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        lock (_lines)
            _lines.Add(formatter(state, exception));
    }
}
