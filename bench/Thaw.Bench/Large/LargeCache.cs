using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Format;
using Thaw.Storage.Names;
using Thaw.Storage.Versions;

namespace Thaw.Bench.Large;

/// <summary>
/// A cache directory of 10 TB that fits anywhere: 3,000 versions of 1.3 million chunks whose bytes are holes in sparse
/// files, and 100,000 small versions with real bytes. Maps and names are written by the product's own writers.
/// </summary>
internal static class LargeCache
{
    public const string Mount = "models";
    public const int SmallBytes = 4096;
    private const uint AnyBoot = 1;

    public static int Large { get; } = 3000;

    public static int Small { get; } = 100_000;

    public static string LargeKey(int index) =>
        string.Create(CultureInfo.InvariantCulture, $"large/model-{index / 30:D3}/shard-{index % 30:D2}.safetensors");

    public static string SmallKey(int index) =>
        string.Create(CultureInfo.InvariantCulture, $"small/repository-{index / 20:D4}/file-{index % 20:D2}.json");

    public static async Task MakeAsync(string root)
    {
        Directory.CreateDirectory(Path.Combine(root, "names"));
        for (var folder = 0; folder < 256; folder++)
            Directory.CreateDirectory(
                Path.Combine(root, "versions", folder.ToString("x2", CultureInfo.InvariantCulture)));
        await using (var names = NameTable.Open(
            Mount, Path.Combine(root, "names", Mount + ".log"), TimeProvider.System, NullLogger.Instance))
        {
            var hole = HoleCrcs();
            for (var index = 0; index < Large; index++)
                MakeLarge(root, Enter(names, LargeKey(index), SizeOfLarge(index)), hole);
            for (var index = 0; index < Small; index++)
                MakeSmall(root, Enter(names, SmallKey(index), SmallBytes));
            await names.FlushAsync(CancellationToken.None);
        }

        // One run makes the run marker and the notes of warmth, and sees that all of it is accepted.
        var store = ChunkStore.Open(
            [new DiskOptions(root, 1L << 44)], new NoRules(), NullLogger.Instance, TimeProvider.System);
        await using (store.ConfigureAwait(false))
        {
            await store.Scan;
            if (store.Versions != Large + Small || store.Counters.CorruptChunks > 0)
                throw new InvalidOperationException($"{store.Versions} versions were accepted");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"made {store.Bytes / 1e12:F1} TB: {store.Chunks} chunks in {store.Versions} versions"));
        }
    }

    private static long SizeOfLarge(int index) => (long)(233 + index * 7919L % 401) * Geometry.ChunkBytes;

    private static ObjectVersion Enter(NameTable names, string key, long size)
    {
        var version = new ObjectVersion
        {
            Id = ContentId.Derive("large cache", key),
            SizeBytes = size,
            ETag = $"\"{ContentId.Derive(key).ToString()[..32]}\"",
            LastModified = DateTimeOffset.UnixEpoch.AddDays(20_000),
            ContentType = "application/octet-stream",
        };
        names.Put(new NameEntry
        {
            Key = key,
            Version = version,
            LastAsked = DateTimeOffset.UtcNow,
            LastUsed = DateTimeOffset.UtcNow,
        });
        return version;
    }

    private static void MakeLarge(string root, ObjectVersion version, uint[] holeCrcs)
    {
        using (var data = DiskFile.Open(PathOf(root, version, ".data"), FileMode.CreateNew))
            data.SetLength(version.SizeBytes);
        using var map = NewMap(root, version);
        for (var chunk = 0; chunk < map.ChunkCount; chunk++)
        {
            map.Enter(chunk, holeCrcs, null, AnyBoot);
            map.WriteDurable(chunk, AnyBoot);
        }
    }

    private static void MakeSmall(string root, ObjectVersion version)
    {
        using var map = NewMap(root, version);
        var bytes = new byte[SmallBytes];
        version.Id.CopyTo(bytes);
        map.File.Write(bytes, MapLayout.InlineOffset(1));
        var crcs = new uint[Geometry.BlocksPerChunk];
        crcs[0] = Crc32C.Compute(bytes);
        map.Enter(0, crcs, null, AnyBoot);
        map.WriteDurable(0, AnyBoot);
    }

    private static VersionMap NewMap(string root, ObjectVersion version)
    {
        var header = new MapHeader(
            version.Id, version.SizeBytes, null, Verdict.Transport, MapFlags.None, DateTimeOffset.UtcNow);
        var file = DiskFile.Open(PathOf(root, version, ".map"), FileMode.CreateNew);
        file.SetLength(MapLayout.FileBytes(version.SizeBytes));
        var map = new VersionMap(file, header);
        map.WriteHeader(header);
        return map;
    }

    private static uint[] HoleCrcs()
    {
        var crcs = new uint[Geometry.BlocksPerChunk];
        Array.Fill(crcs, Crc32C.Compute(new byte[Geometry.BlockBytes]));
        return crcs;
    }

    private static string PathOf(string root, ObjectVersion version, string extension)
    {
        var hex = version.Id.ToString();
        return Path.Combine(root, "versions", hex[..2], hex + extension);
    }

    /// <summary>Nothing is pinned, expires or has a quota.</summary>
    internal sealed class NoRules : IKeepRules
    {
        public bool AnyExpires => false;

        public KeepRule Of(ContentId id) => default;

        public long? QuotaOf(int owner) => null;
    }
}
