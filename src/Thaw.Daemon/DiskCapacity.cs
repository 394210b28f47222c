using Thaw.Core.Configuration;
using Thaw.Storage;

namespace Thaw.Daemon;

/// <summary>Turns a configured capacity into bytes.</summary>
internal static class DiskCapacity
{
    /// <summary>A percentage is of the size of the file system that holds the directory.</summary>
    /// <exception cref="IOException">The directory cannot be made or asked.</exception>
    public static DiskOptions Resolve(DiskConfig disk)
    {
        if (disk.Capacity is { } capacity)
            return new DiskOptions(disk.Path, capacity.Bytes);
        Directory.CreateDirectory(disk.Path);
        return new DiskOptions(disk.Path, new DriveInfo(disk.Path).TotalSize / 100 * (disk.CapacityPercent ?? 80));
    }
}
