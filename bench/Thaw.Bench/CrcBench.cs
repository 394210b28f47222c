using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Thaw.Core.Checksums;

namespace Thaw.Bench;

/// <summary>
/// Every way of computing CRC-32C that this machine has, and CRC-64/NVME, one core: GB/s as minimum, median and maximum
/// of nine runs, over 64 KiB and 8 MiB that stay in the cache and 256 MiB that do not. Each way is first compared with
/// the table's value; a difference ends the run with exit code 1.
/// </summary>
internal static class CrcBench
{
    private const int Runs = 9;
    private const long BytesPerRun = 512L << 20;
    private const long SlowBytesPerRun = 64L << 20;
    private static readonly int[] Sizes = [64 << 10, 8 << 20, 256 << 20];

    private delegate ulong Sum(ReadOnlySpan<byte> bytes);

    public static int Run()
    {
        Console.WriteLine($"{RuntimeInformation.OSArchitecture}, chosen for CRC-32C: {Crc32C.PathName}");
        Console.WriteLine("GB/s, min / median / max of 9");
        Console.WriteLine($"{"way",-22}{"64 KiB",-24}{"8 MiB",-24}{"256 MiB",-24}");
        var bytes = GC.AllocateUninitializedArray<byte>(Sizes[^1]);
        new Random(1).NextBytes(bytes);
        var expected = Crc32CTable.Append(uint.MaxValue, bytes);
        foreach (var path in Crc32CPath.All.Where(path => path.IsSupported))
        {
            if (path.Append(uint.MaxValue, bytes) != expected)
                return Fail(path.Name);
            Row(path.Name, bytes, span => path.Append(0, span), path.Name == "table" ? SlowBytesPerRun : BytesPerRun);
        }

        if (~Crc64Nvme.AppendTable(ulong.MaxValue, bytes) != Crc64Nvme.Compute(bytes))
            return Fail("crc64nvme");
        Row("crc64nvme", bytes, span => Crc64Nvme.Compute(span), BytesPerRun);
        Combine();
        return 0;
    }

    private static void Row(string name, byte[] bytes, Sum sum, long bytesPerRun)
    {
        Console.Write($"{name,-22}");
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
            Console.Write(
                FormattableString.Invariant($"{rates[0],5:F1} / {rates[Runs / 2],5:F1} / {rates[^1],5:F1}   "));
        }

        Console.WriteLine();
    }

    // Long enough for the just-in-time compiler to have put its last version in place.
    private static void Warm(ReadOnlySpan<byte> bytes, Sum sum)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(600);)
            sum(bytes);
    }

    private static void Combine()
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
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"combine a 256 KiB block: CRC-32C {narrow.TotalNanoseconds / count:F1} ns, CRC-64 "
                + $"{elapsed.TotalNanoseconds / count:F1} ns ({crc ^ wide:x})"));
    }

    private static int Fail(string name)
    {
        Console.Error.WriteLine($"{name} differs from the table");
        return 1;
    }
}
