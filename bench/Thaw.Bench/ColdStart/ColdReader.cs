using System.Diagnostics;
using System.Globalization;
using Thaw.Core.Checksums;

namespace Thaw.Bench.ColdStart;

/// <summary>
/// One node's loader, as a process in its namespace: on a line it reads all files, some at once, and prints seconds,
/// bytes, and the CRC-32Cs of the files; before that, its bytes so far, once in a while.
/// </summary>
internal static class ColdReader
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>Arguments: files at once, base address, files.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var atOnce = int.Parse(arguments[0], CultureInfo.InvariantCulture);
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        Console.WriteLine("ready");
        if (Console.ReadLine() is null)
            return 1;
        var (start, bytes) = (Stopwatch.GetTimestamp(), 0L);
        var files = arguments[2..];
        var crcs = new uint[files.Length];
        var reading = Parallel.ForAsync(
            0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (index, stop) =>
            {
                var buffer = new byte[1 << 20];
                await using var body = await http.GetStreamAsync(arguments[1] + files[index], stop);
                for (int read; (read = await body.ReadAsync(buffer, stop)) > 0;)
                {
                    crcs[index] = Crc32C.Append(crcs[index], buffer.AsSpan(0, read));
                    Interlocked.Add(ref bytes, read);
                }
            });
        while (await Task.WhenAny(reading, Task.Delay(Tick)) != reading)
            Console.WriteLine(Line("at", start, bytes));
        await reading;
        Console.WriteLine(Line("end", start, bytes) + " " + string.Join(',', crcs));
        return 0;
    }

    private static string Line(string word, long start, long bytes) => string.Create(
        CultureInfo.InvariantCulture, $"{word} {Stopwatch.GetElapsedTime(start).TotalSeconds:F3} {bytes}");
}
