using Thaw.Core.Configuration;
using Thaw.Core.Units;
using Thaw.Daemon;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Daemon;

public sealed class DiskCapacityTests
{
    [Fact]
    public void A_sparse_file_counts_with_what_it_occupies()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["a"]);
        using (var sparse = File.Create(folder["a/sparse"]))
            sparse.SetLength(1L << 40);
        Assert.InRange(FolderUse.BytesBelow(folder.FullPath), 0, 64 << 10);
        File.WriteAllBytes(folder["a/full"], new byte[8 << 20]);
        // Delayed allocation: some file systems give blocks only when the bytes go to disk.
        using (var full = File.OpenHandle(folder["a/full"], FileMode.Open, FileAccess.ReadWrite))
            RandomAccess.FlushToDisk(full);
        Assert.InRange(FolderUse.BytesBelow(folder.FullPath), 8 << 20, 9 << 20);
    }

    [Fact]
    public void What_the_cache_holds_does_not_shrink_a_capacity_of_free_space()
    {
        var disk = new DiskConfig("/cache", null, 80, OfFree: true);
        Assert.Equal(8_000, DiskCapacity.Share(disk, 50_000, freeBytes: 10_000, usedByCacheBytes: 0));
        Assert.Equal(8_000, DiskCapacity.Share(disk, 50_000, freeBytes: 2_500, usedByCacheBytes: 7_500));
        Assert.Equal(40_000, DiskCapacity.Share(disk, 50_000, freeBytes: 48_000, usedByCacheBytes: 7_500));
        Assert.Equal(40_000, DiskCapacity.Share(disk with { OfFree = false }, 50_000, freeBytes: 1,
            usedByCacheBytes: 1));
    }

    [Fact]
    public void A_directory_that_is_missing_is_asked_above_and_bytes_are_taken_as_written()
    {
        using var folder = new TempFolder();
        var disk = new DiskConfig(folder["cache"], null, 80, OfFree: true);
        Assert.InRange(DiskCapacity.Resolve(disk).Capacity(), 1, new DriveInfo(folder.FullPath).TotalSize);
        Assert.False(Directory.Exists(folder["cache"]));
        Assert.Equal(1L << 30, DiskCapacity.BytesOrNone(disk with { Capacity = new ByteSize(1L << 30) }));
    }
}
