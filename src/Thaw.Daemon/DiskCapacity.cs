using Thaw.Core.Configuration;
using Thaw.Storage;

namespace Thaw.Daemon;

/// <summary>Turns a configured capacity into bytes.</summary>
internal static class DiskCapacity
{
    /// <summary>
    /// A percentage is of the size of the file system that holds the directory, or of what is free there. What the
    /// cache itself occupies counts as free: else the capacity would shrink at every restart.
    /// </summary>
    /// <exception cref="IOException">The file system cannot be asked.</exception>
    public static DiskOptions Resolve(DiskConfig disk)
    {
        if (disk.Capacity is { } capacity)
            return new DiskOptions(disk.Path, capacity.Bytes);
        var folder = disk.Path;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
            folder = parent;
        var drive = new DriveInfo(folder);
        var used = disk.OfFree && folder == disk.Path ? FolderUse.BytesBelow(disk.Path) : 0;
        return new DiskOptions(disk.Path, Share(disk, drive.TotalSize, drive.AvailableFreeSpace, used));
    }

    /// <summary>Bytes of a capacity in percent.</summary>
    internal static long Share(DiskConfig disk, long sizeBytes, long freeBytes, long usedByCacheBytes) =>
        (disk.OfFree ? Math.Min(sizeBytes, freeBytes + usedByCacheBytes) : sizeBytes)
        / 100 * (disk.CapacityPercent ?? 80);
}
