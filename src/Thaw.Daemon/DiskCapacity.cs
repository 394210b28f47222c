using Thaw.Core;
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
    public static DiskOptions Resolve(DiskConfig disk) => new(disk.Path, () => BytesOf(disk));

    /// <exception cref="IOException">The file system cannot be asked.</exception>
    internal static long BytesOf(DiskConfig disk)
    {
        if (disk.Capacity is { } capacity)
            return capacity.Bytes;
        var folder = disk.Path;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
            folder = parent;
        var drive = new DriveInfo(folder);
        var used = disk.OfFree && folder == disk.Path ? FolderUse.BytesBelow(disk.Path) : 0;
        return Share(disk, drive.TotalSize, drive.AvailableFreeSpace, used);
    }

    /// <summary>The same of a disk that may not answer; 0 if it does not.</summary>
    internal static long BytesOrNone(DiskConfig disk)
    {
        long bytes = 0;
        var asking = new Thread(() =>
        {
            try
            {
                Volatile.Write(ref bytes, BytesOf(disk));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return; // the store says what is wrong with it
            }
        })
        { IsBackground = true, Name = "disk capacity" };
        asking.Start();
        asking.Join(Limits.DiskStuck);
        return Volatile.Read(ref bytes);
    }

    /// <summary>Bytes of a capacity in percent.</summary>
    internal static long Share(DiskConfig disk, long sizeBytes, long freeBytes, long usedByCacheBytes) =>
        (disk.OfFree ? Math.Min(sizeBytes, freeBytes + usedByCacheBytes) : sizeBytes)
        / 100 * (disk.CapacityPercent ?? 80);
}
