using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;
using Thaw.Storage.Names;

namespace Thaw.Bench;

/// <summary>
/// Opens a log of 100,000 names, and lists them in pages of 1000; milliseconds, minimum, median, maximum of nine.
/// </summary>
internal static class NamesBench
{
    private const int Names = 100_000;
    private const int Runs = 9;

    public static int Run()
    {
        var directory = Directory.CreateTempSubdirectory("thaw-bench-");
        try
        {
            return RunAsync(Path.Combine(directory.FullName, "models.names")).GetAwaiter().GetResult();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<int> RunAsync(string path)
    {
        await using (var table = NameTable.Open("models", path, TimeProvider.System, NullLogger.Instance))
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Names; i++)
                table.Put(Entry(i));
            var put = Stopwatch.GetElapsedTime(start);
            await table.FlushAsync(CancellationToken.None);
            var written = Stopwatch.GetElapsedTime(start);
            Report($"put {put.TotalMilliseconds:F0} ms, on disk {written.TotalMilliseconds:F0} ms");
        }

        Report($"log {new FileInfo(path).Length / 1e6:F1} MB, {Names} names");
        var (opens, lists) = (new double[Runs], new double[Runs]);
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            await using var table = NameTable.Open("models", path, TimeProvider.System, NullLogger.Instance);
            opens[run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (table.Count != Names)
                return 1;
            start = Stopwatch.GetTimestamp();
            if (ListAll(table) != Names)
                return 1;
            lists[run] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(opens);
        Array.Sort(lists);
        Report($"open {opens[0]:F0} / {opens[Runs / 2]:F0} / {opens[^1]:F0} ms");
        Report($"list all in pages of 1000: {lists[0]:F0} / {lists[Runs / 2]:F0} / {lists[^1]:F0} ms");
        return 0;
    }

    private static int ListAll(NameTable table)
    {
        var (count, after) = (0, "");
        while (true)
        {
            var page = table.List(new ListRequest("", null, after, 1000));
            count += page.Entries.Length;
            if (!page.IsTruncated)
                return count;
            after = page.Entries[^1].ResumeAfter;
        }
    }

    private static NameEntry Entry(int i) => new()
    {
        Key = string.Create(CultureInfo.InvariantCulture, $"repository-{i % 997}/revision/model-{i:D6}.safetensors"),
        Version = new ObjectVersion
        {
            Id = ContentId.Derive("bench", i.ToString(CultureInfo.InvariantCulture)),
            SizeBytes = i,
            ETag = $"\"{i:x32}\"",
            LastModified = DateTimeOffset.UnixEpoch.AddSeconds(i),
            ContentType = "application/octet-stream",
        },
        LastAsked = DateTimeOffset.UnixEpoch.AddDays(i),
        LastUsed = DateTimeOffset.UnixEpoch.AddDays(i),
    };

    private static void Report(FormattableString line) => Console.WriteLine(FormattableString.Invariant(line));
}
