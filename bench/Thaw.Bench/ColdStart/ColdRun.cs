using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Thaw.Bench.Transfer;

namespace Thaw.Bench.ColdStart;

/// <summary>What one node's reader did: seconds from its own start, and its progress.</summary>
internal sealed record ColdReading(double Begun, double Seconds, ImmutableArray<(double Seconds, long Bytes)> Progress);

/// <summary>One start of all readers.</summary>
/// <param name="Readings">The readers, by node.</param>
/// <param name="OriginShare">Bytes that the origin sent / bytes of the model.</param>
/// <param name="BusyShare">Share of the machine's processor time that was used, by anyone.</param>
/// <param name="ServerSeconds">Processor seconds of the servers, the origin's included.</param>
internal sealed record ColdRun(
    ImmutableArray<ColdReading> Readings, double OriginShare, double BusyShare, double ServerSeconds)
{
    /// <summary>Starts a reader in each space and waits for all.</summary>
    public static ColdRun Start(
        ColdCrew crew, string[] spaces, string[] files, int atOnce, double secondsBetween, uint[] crcs, long sizeBytes,
        TouchedMemory memory)
    {
        var readers = spaces.Select(space => new Worker(space, Environment.ProcessPath!, [
            "cold-read", atOnce.ToString(CultureInfo.InvariantCulture), crew.Base, .. files,
        ])).ToArray();
        try
        {
            foreach (var reader in readers)
                reader.ReadLine();
            var (busy, all) = MachineTicks();
            var serverSeconds = crew.ProcessorSeconds;
            var start = Stopwatch.GetTimestamp();
            var readBytes = new long[readers.Length];
            void Noted(int index, long bytes)
            {
                Volatile.Write(ref readBytes[index], bytes);
                memory.Use(readBytes.Sum());
            }

            memory.Use(0);
            var running = readers.Select((reader, index) => Task.Factory.StartNew(
                () => Follow(
                    reader, start, index * secondsBetween, string.Join(',', crcs), bytes => Noted(index, bytes)),
                TaskCreationOptions.LongRunning)).ToArray();
            Task.WaitAll(running);
            var (busyAfter, allAfter) = MachineTicks();
            return new ColdRun(
                [.. running.Select(one => one.GetAwaiter().GetResult())], crew.OriginBytes / (double)sizeBytes,
                (busyAfter - busy) / (allAfter - all), crew.ProcessorSeconds - serverSeconds);
        }
        finally
        {
            foreach (var reader in readers)
                reader.Dispose();
        }
    }

    private static ColdReading Follow(Worker reader, long start, double after, string crcs, Action<long> noted)
    {
        Thread.Sleep(TimeSpan.FromSeconds(after));
        var begun = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var progress = ImmutableArray.CreateBuilder<(double, long)>();
        for (var line = reader.Ask("go"); ; line = reader.ReadLine())
        {
            var parts = line.Split(' ');
            progress.Add((Worker.Number(parts[1]), long.Parse(parts[2], CultureInfo.InvariantCulture)));
            noted(progress[^1].Item2);
            if (parts[0] != "end")
                continue;
            return parts[3] == crcs
                ? new ColdReading(begun, progress[^1].Item1, progress.ToImmutable())
                : throw new IOException("a node read other bytes than the origin has");
        }
    }

    /// <summary>Busy and all ticks of the machine so far: proc(5), /proc/stat, user to softirq, idle, iowait.</summary>
    private static (double Busy, double All) MachineTicks()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
            .Select(Worker.Number).ToArray();
        return (fields.Sum() - fields[3] - fields[4], fields.Sum());
    }
}
