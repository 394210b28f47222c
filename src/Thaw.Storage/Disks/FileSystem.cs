using System.Text;

namespace Thaw.Storage.Disks;

/// <summary>
/// What the store asks of a file system. Virtual, so that tests can put faults below everything else. Errors are
/// <see cref="IOException"/>s and <see cref="UnauthorizedAccessException"/>s.
/// </summary>
internal class FileSystem
{
    public virtual DiskFile Open(string path, FileMode mode) => DiskFile.Open(path, mode);

    /// <summary>
    /// Opens a file for reading what is on the medium, past the page cache; null where the file system cannot.
    /// </summary>
    public virtual DiskFile? TryOpenDirect(string path) => DiskFile.TryOpenDirect(path);

    public virtual void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <summary>Makes a folder's names durable.</summary>
    public virtual void SyncFolder(string path) => Native.SyncFolder(path);

    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Puts a file in the place of another one.</summary>
    public virtual void Replace(string path, string target) => File.Move(path, target, overwrite: true);

    public virtual bool Exists(string path) => File.Exists(path);

    /// <summary>When a file was last written; in the distant past if it is not there.</summary>
    public virtual DateTimeOffset LastWritten(string path) => File.GetLastWriteTimeUtc(path);

    public virtual IEnumerable<string> List(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder) : [];

    /// <summary>A small file's text; null if it is not there.</summary>
    public virtual string? ReadText(string path) => File.Exists(path) ? File.ReadAllText(path) : null;

    /// <summary>Makes a small file anew, whole or not at all, and durable.</summary>
    public virtual void ReplaceText(string path, string text)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create))
        {
            file.Write(Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        Native.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>
    /// Takes a lock that ends with the process or with what is returned; null if another process holds it.
    /// </summary>
    public virtual IDisposable? TryLock(string path)
    {
        DiskFile file;
        try
        {
            file = DiskFile.Open(path, FileMode.OpenOrCreate);
        }
        catch (IOException error) when (error.HResult == Native.WouldBlock)
        {
            // .NET takes a shared lock of its own when it opens a file, which the other node's exclusive one refuses.
            return null;
        }

        if (Native.TryLock(file.Handle))
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>Size and free bytes of the file system that holds a path (statfs).</summary>
    public virtual (long TotalBytes, long FreeBytes) GetSpace(string path)
    {
        var drive = new DriveInfo(path);
        return (drive.TotalSize, drive.AvailableFreeSpace);
    }
}
