using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>Files that are not as their map says: each has a rule, and no other file pays for it.</summary>
public sealed class RecoveryTests
{
    private const int Chunk = Geometry.ChunkBytes;
    private const long Size = 2L * Chunk + 1000;

    [Theory]
    [InlineData(Size + 5000, 3)]
    [InlineData(Size - 10, 2)]
    [InlineData(Chunk + 5, 1)]
    [InlineData(0, 0)]
    public async Task Data_of_another_length_costs_what_it_lacks(long length, int chunks)
    {
        await using var house = new StoreHouse();
        var (version, bytes) = await FillAsync(house);
        SetLength(house.PathOf(version, ".data"), length);
        await house.StartAsync();
        Assert.Equal(chunks, await ReadAsync(house, version, bytes));
        Assert.Equal(Size, new FileInfo(house.PathOf(version, ".data")).Length);
        Assert.Equal(0, house.Store.Counters.CorruptChunks);
    }

    [Theory]
    [InlineData(512 + 2048, 3)]
    [InlineData(-512, 3)]
    [InlineData(-1024, 0)]
    [InlineData(-1536, 0)]
    public async Task A_map_of_another_length_costs_what_it_lacks(int more, int chunks)
    {
        await using var house = new StoreHouse();
        var (version, bytes) = await FillAsync(house);
        var map = house.PathOf(version, ".map");
        var length = new FileInfo(map).Length;
        Assert.Equal(MapLayout.FileBytes(Size), length);
        SetLength(map, length + more);
        await house.StartAsync();
        Assert.Equal(chunks, await ReadAsync(house, version, bytes));
        await SampleVersions.WriteAsync(house.Store, version, bytes);
        Assert.Equal(3, await ReadAsync(house, version, bytes));
        Assert.Equal(length, new FileInfo(map).Length);
    }

    [Fact]
    public async Task A_map_without_data_is_removed_and_counted()
    {
        await using var house = new StoreHouse();
        var (version, _) = await FillAsync(house);
        File.Delete(house.PathOf(version, ".data"));
        await house.StartAsync();
        Assert.Null(await house.Store.LeaseAsync(version.Id));
        Assert.False(File.Exists(house.PathOf(version, ".map")));
        Assert.Equal((1, 0, 0), (house.Store.Counters.CorruptChunks, house.Store.Bytes, house.Store.Versions));
    }

    [Fact]
    public async Task A_map_in_another_ones_place_is_no_map()
    {
        await using var house = new StoreHouse();
        var (version, bytes) = await FillAsync(house);
        var other = SampleVersions.Of(Size, 77);
        Directory.CreateDirectory(Path.GetDirectoryName(house.PathOf(other, ".map"))!);
        File.Copy(house.PathOf(version, ".map"), house.PathOf(other, ".map"));
        File.Copy(house.PathOf(version, ".data"), house.PathOf(other, ".data"));
        await house.StartAsync();
        Assert.Null(await house.Store.LeaseAsync(other.Id));
        Assert.Equal(3, await ReadAsync(house, version, bytes));
    }

    [Fact]
    public async Task Entries_in_other_ones_places_never_check()
    {
        await using var house = new StoreHouse();
        var (version, bytes) = await FillAsync(house);
        var map = File.ReadAllBytes(house.PathOf(version, ".map"));
        var (first, second) = ((int)MapLayout.EntryOffset(0), (int)MapLayout.EntryOffset(1));
        var entry = map[first..second];
        map.AsSpan(second, entry.Length).CopyTo(map.AsSpan(first));
        entry.CopyTo(map.AsSpan(second));
        File.WriteAllBytes(house.PathOf(version, ".map"), map);
        await house.StartAsync();
        Assert.Equal(1, await ReadAsync(house, version, bytes));
        Assert.Equal(2, house.Store.Counters.CorruptChunks);
    }

    [Fact]
    public async Task What_a_crash_left_within_a_punch_is_given_back()
    {
        await using var house = new StoreHouse();
        var (version, bytes) = await FillAsync(house);
        using (var map = File.OpenHandle(house.PathOf(version, ".map"), FileMode.Open, FileAccess.ReadWrite))
        {
            // The entry is lost, the hole is not punched yet.
            var entry = new byte[MapLayout.EntryBytes];
            new ChunkEntry(ChunkState.Lost, 1, 0, null).Write(entry, ChunkEntry.Seed(version.Id, 1));
            RandomAccess.Write(map, entry, MapLayout.EntryOffset(1));
        }

        await house.StartAsync();
        using var data = DiskFile.Open(house.PathOf(version, ".data"), FileMode.Open);
        Assert.InRange(data.AllocatedBytes, Chunk, Chunk + (1 << 20));
        Assert.Equal(2, await ReadAsync(house, version, bytes));
        Assert.Equal(Size - Chunk, house.Store.Bytes);
        await SampleVersions.WriteAsync(house.Store, version, bytes, 1);
        Assert.Equal(3, await ReadAsync(house, version, bytes));
    }

    private static async Task<(ObjectVersion Version, byte[] Bytes)> FillAsync(StoreHouse house)
    {
        var version = SampleVersions.Of(Size, 50);
        var bytes = SampleVersions.Bytes(Size, 50);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        await house.Store.DisposeAsync();
        return (version, bytes);
    }

    private static void SetLength(string path, long length)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.SetLength(file, length);
    }

    /// <summary>How many of the three chunks are here and right.</summary>
    private static async Task<int> ReadAsync(StoreHouse house, ObjectVersion version, byte[] bytes)
    {
        using var lease = await house.Store.LeaseAsync(version.Id);
        var good = 0;
        for (var chunk = 0; lease is not null && chunk < 3; chunk++)
        {
            var range = ByteRange.OfChunk(Size, chunk);
            var (end, read) = await SampleVersions.ReadAsync(lease.Version, range, 1 << 20);
            Assert.True(bytes.AsSpan((int)range.Start, read.Length).SequenceEqual(read), $"wrong bytes in {chunk}");
            good += end == ReadKind.Hit ? 1 : 0;
        }

        return good;
    }
}
