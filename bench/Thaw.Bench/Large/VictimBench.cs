using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Bench.Large;

/// <summary>
/// What choosing victims costs a reader: a store of 103,000 versions, one reader of warm bytes, one writer that keeps
/// chunks at a steady pace. In turns with room for them, and without, so that something goes for every chunk.
/// </summary>
internal static class VictimBench
{
    private const int Pairs = 7;
    private const int Inserted = 4;
    private const int ChunksOfInserted = 16;
    private const int ReadBytes = 64 << 10;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(80); // 100 MB/s

    public static async Task<int> RunAsync(string folder)
    {
        var root = Path.Combine(folder, "cache");
        if (!Directory.Exists(root))
            await LargeCache.MakeAsync(root);
        var store = ChunkStore.Open(
            [new DiskOptions(root, 1L << 44)], new LargeCache.NoRules(), NullLogger.Instance, TimeProvider.System);
        await using (store.ConfigureAwait(false))
        {
            await store.Scan;
            var bytes = new byte[Geometry.ChunkBytes];
            new Random(1).NextBytes(bytes);
            using var warm = await KeepAsync(store, Version("warm"), bytes, TimeSpan.Zero, CancellationToken.None);
            var ratios = new List<double>();
            for (var pair = 0; pair <= Pairs; pair++)
            {
                var free = await TurnAsync(store, root, warm.Version, bytes, isFull: pair % 2 == 1);
                var full = await TurnAsync(store, root, warm.Version, bytes, isFull: pair % 2 == 0);
                var (without, with) = pair % 2 == 0 ? (free, full) : (full, free);
                if (with.Evicted == 0 || without.Evicted > 0)
                    throw new InvalidOperationException("A turn did not do what it is about.");
                // The first pair warms everything up.
                if (pair > 0)
                    ratios.Add(with.Microseconds / without.Microseconds);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"p99 {without.Microseconds:F0} us with room, {with.Microseconds:F0} us with victims, "
                    + $"{with.Evicted >> 20} MiB evicted{(pair == 0 ? " (not counted)" : "")}"));
            }

            await store.DropAsync(warm.Version.Id);
            ratios.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"ratio of p99: {ratios[Pairs / 2]:F2} ({ratios[0]:F2}-{ratios[^1]:F2})"));
        }

        return 0;
    }

    private static async Task<(double Microseconds, long Evicted)> TurnAsync(
        ChunkStore store, string root, VersionFile warm, byte[] bytes, bool isFull)
    {
        store.SetCapacities([new DiskOptions(root, isFull ? store.Bytes : 1L << 44)]);
        var before = store.Counters.EvictedBytes;
        using var stopping = new CancellationTokenSource();
        var reading = Task.Run(() => ReadAsync(warm, stopping.Token));
        for (var index = 0; index < Inserted; index++)
            (await KeepAsync(store, Version($"inserted {index}"), bytes, Pace, CancellationToken.None)).Dispose();
        await stopping.CancelAsync();
        var micros = await reading;
        var evicted = store.Counters.EvictedBytes - before;
        store.SetCapacities([new DiskOptions(root, 1L << 44)]);
        for (var index = 0; index < Inserted; index++)
            await store.DropAsync(Version($"inserted {index}").Id);
        return (micros, evicted);
    }

    private static async Task<VersionLease> KeepAsync(
        ChunkStore store, ObjectVersion version, byte[] bytes, TimeSpan pace, CancellationToken cancellationToken)
    {
        var crcs = new uint[Geometry.BlocksPerChunk];
        for (var block = 0; block < crcs.Length; block++)
            crcs[block] = Crc32C.Compute(bytes.AsSpan(block * Geometry.BlockBytes, Geometry.BlockBytes));
        var lease = (await store.LeaseOrCreateAsync(version, cancellationToken)).Value;
        for (var chunk = 0; chunk < ChunksOfInserted; chunk++)
        {
            var start = Stopwatch.GetTimestamp();
            var written = await store.WriteChunkAsync(lease, new ChunkWrite(chunk, bytes, [.. crcs]));
            if (written.Failure is { } failure)
                throw new InvalidOperationException(failure.Message);
            if (pace - Stopwatch.GetElapsedTime(start) is { } rest && rest > TimeSpan.Zero)
                await Task.Delay(rest, cancellationToken);
        }

        return lease;
    }

    private static async Task<double> ReadAsync(VersionFile version, CancellationToken cancellationToken)
    {
        var random = new Random(2);
        var destination = new byte[ReadBytes];
        var times = new List<double>(1 << 20);
        while (!cancellationToken.IsCancellationRequested)
        {
            var offset = random.NextInt64(version.SizeBytes / ReadBytes) * ReadBytes;
            var start = Stopwatch.GetTimestamp();
            var read = await version.ReadAsync(offset, destination, CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            if (read.Kind != ReadKind.Hit)
                throw new InvalidOperationException($"{read.Kind} at {offset}");
        }

        times.Sort();
        return times[times.Count * 99 / 100];
    }

    private static ObjectVersion Version(string name) => new()
    {
        Id = ContentId.Derive("victims", name),
        SizeBytes = (long)ChunksOfInserted * Geometry.ChunkBytes,
        ETag = $"\"{name}\"",
        LastModified = DateTimeOffset.UnixEpoch,
    };
}
