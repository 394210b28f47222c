namespace Thaw.Storage.Disks;

/// <summary>
/// What the store asks of a file system. Virtual, so that tests can put faults below everything else.
/// </summary>
internal class FileSystem
{
    public virtual DiskFile Open(string path, FileMode mode) => DiskFile.Open(path, mode);

    public virtual void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <summary>Makes a folder's names durable.</summary>
    public virtual void SyncFolder(string path) => Native.SyncFolder(path);

    public virtual void Delete(string path) => File.Delete(path);

    public virtual bool Exists(string path) => File.Exists(path);

    public virtual IEnumerable<string> List(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder) : [];

    /// <summary>Size and free bytes of the file system that holds a path (statfs).</summary>
    public virtual (long TotalBytes, long FreeBytes) GetSpace(string path)
    {
        var drive = new DriveInfo(path);
        return (drive.TotalSize, drive.AvailableFreeSpace);
    }
}
