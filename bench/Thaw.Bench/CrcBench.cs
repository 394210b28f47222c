using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Thaw.Bench.Harness;
using Thaw.Core.Checksums;

namespace Thaw.Bench;

/// <summary>
/// Every way of computing CRC-32C that this machine has, and CRC-64/NVME, one core: GB/s as median, least and most
/// of nine runs, over 64 KiB and 8 MiB that stay in the cache and 256 MiB that do not. Each way is first compared with
/// the table's value; a difference ends the run with exit code 1.
/// </summary>
internal static class CrcBench
{
    private const int Runs = 9;
    private const long BytesPerRun = 512L << 20;
    private const long SlowBytesPerRun = 64L << 20;
    private static readonly int[] Sizes = [64 << 10, 8 << 20, 256 << 20];

    private static readonly List<string> Rows = [];
    private static readonly List<(string Name, double Value)> Bars = [];

    private delegate ulong Sum(ReadOnlySpan<byte> bytes);

    public static int Run(string[] arguments)
    {
        var options = Options.Parse(arguments);
        var bytes = GC.AllocateUninitializedArray<byte>(Sizes[^1]);
        new Random(1).NextBytes(bytes);
        var expected = Crc32CTable.Append(uint.MaxValue, bytes);
        foreach (var path in Crc32CPath.All.Where(path => path.IsSupported))
        {
            if (path.Append(uint.MaxValue, bytes) != expected)
                return Fail(path.Name);
            Measure(
                path.Name, bytes, span => path.Append(0, span), path.Name == "table" ? SlowBytesPerRun : BytesPerRun);
        }

        if (~Crc64Nvme.AppendTable(ulong.MaxValue, bytes) != Crc64Nvme.Compute(bytes))
            return Fail("crc64nvme");
        Measure("crc64nvme", bytes, span => Crc64Nvme.Compute(span), BytesPerRun);
        var kind = RuntimeFeature.IsDynamicCodeCompiled ? "an ordinary build" : "native";
        Report.Write(options, "crc", "CRC-32C and CRC-64/NVME, one core", $"""
            {RuntimeInformation.OSArchitecture}, {kind};
            chosen for CRC-32C at start: {Crc32C.PathName}. GB/s: median (least..most) of {Runs}, after each way was
            compared with the table. 64 KiB and 8 MiB stay in the processor's caches, 256 MiB do not.

            | way | 64 KiB | 8 MiB | 256 MiB |
            |---|---|---|---|
            {string.Join('\n', Rows)}

            {Combine()}

            {Published(options.Binary)}
            """, Plot.OfBars("CRC of 64 KiB in the cache, one core, median of 9", "GB/s", Bars));
        return 0;
    }

    private static void Measure(string name, byte[] bytes, Sum sum, long bytesPerRun)
    {
        var cells = new List<string>();
        foreach (var size in Sizes)
        {
            var rounds = (int)Math.Max(1, bytesPerRun / size);
            var rates = new double[Runs];
            Warm(bytes.AsSpan(0, size), sum);
            for (var run = 0; run < Runs; run++)
            {
                var start = Stopwatch.GetTimestamp();
                for (var round = 0; round < rounds; round++)
                    sum(bytes.AsSpan(0, size));
                rates[run] = (double)rounds * size / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
            }

            Array.Sort(rates);
            if (size == Sizes[0])
                Bars.Add((name, rates[Runs / 2]));
            cells.Add(FormattableString.Invariant($"{rates[Runs / 2]:F1} ({rates[0]:F1}..{rates[^1]:F1})"));
        }

        Rows.Add($"| {name} | {string.Join(" | ", cells)} |");
    }

    // Long enough for the just-in-time compiler to have put its last version in place.
    private static void Warm(ReadOnlySpan<byte> bytes, Sum sum)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(600);)
            sum(bytes);
    }

    /// <summary>What ships is compiled ahead of time, for more machines than this one: it measures itself.</summary>
    private static string Published(string binary)
    {
        var found = Enumerable.Range(0, Runs).Select(_ => DoctorSums(binary)).ToArray();
        var rates = found.Select(one => one.Rate).Order().ToArray();
        var names = string.Join(", ", found.Select(one => one.Name).Distinct());
        return FormattableString.Invariant($"""
            `{Path.GetFileName(binary)}` by its own `thaw doctor` (the best of 64 turns over 64 KiB), {Runs} runs:

            | way that it chose | 64 KiB |
            |---|---|
            | {names} | {rates[Runs / 2]:F1} ({rates[0]:F1}..{rates[^1]:F1}) |
            """);
    }

    /// <summary>The doctor's line: "NAME, RATE GB/s a core".</summary>
    private static (string Name, double Rate) DoctorSums(string binary)
    {
        using var process = Process.Start(new ProcessStartInfo(binary, ["doctor", "--json"])
        {
            RedirectStandardOutput = true,
        }) ?? throw new InvalidOperationException($"{binary} did not start");
        using var report = JsonDocument.Parse(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        var line = report.RootElement.GetProperty("checks").EnumerateArray()
            .First(check => check.GetProperty("name").GetString() == "block sums").GetProperty("found").GetString()!;
        var parts = line.Split(", ");
        return (parts[0], double.Parse(parts[1].Split(' ')[0], CultureInfo.InvariantCulture));
    }

    private static string Combine()
    {
        const int count = 1_000_000;
        var start = Stopwatch.GetTimestamp();
        uint crc = 1;
        for (uint i = 0; i < count; i++)
            crc = Crc32C.Combine(crc, i, 256 << 10);
        var narrow = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        ulong wide = 1;
        for (uint i = 0; i < count; i++)
            wide = Crc64Nvme.Combine(wide, i, 256 << 10);
        var elapsed = Stopwatch.GetElapsedTime(start);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"To combine a block of 256 KiB takes {narrow.TotalNanoseconds / count:F1} ns for CRC-32C, "
                + $"{elapsed.TotalNanoseconds / count:F1} ns for CRC-64 (of {count}, {crc ^ wide:x}).");
    }

    private static int Fail(string name)
    {
        Console.Error.WriteLine($"{name} differs from the table");
        return 1;
    }
}
