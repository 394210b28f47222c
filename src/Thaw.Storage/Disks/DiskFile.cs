using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Disks;

/// <summary>
/// An open file on a cache disk: positioned reads and writes, synchronisation. Errors are <see cref="IOException"/>s
/// with the errno in their HResult; the version file turns them into results. Virtual, so that tests can inject faults
/// below everything else.
/// </summary>
internal class DiskFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    protected DiskFile(SafeFileHandle handle) => _handle = handle;

    public virtual long Length => RandomAccess.GetLength(_handle);

    /// <summary>Bytes that the file takes of the disk; 0 if the kernel does not say.</summary>
    public virtual long AllocatedBytes => Native.AllocatedBytes(_handle);

    /// <summary>The descriptor, for the kernel's passthrough and for sending without a copy.</summary>
    public SafeFileHandle Handle => _handle;

    public static DiskFile Open(string path, FileMode mode) => new(File.OpenHandle(
        path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete));

    /// <summary>
    /// Opens a file for reading past the page cache (O_DIRECT), into whole pages at whole pages' offsets; null where
    /// the file system has no such thing.
    /// </summary>
    public static DiskFile? TryOpenDirect(string path) =>
        Native.TryOpenDirect(path) is { } handle ? new DiskFile(handle) : null;

    /// <summary>
    /// Reads only what the page cache holds, without ever waiting for the disk: the number of bytes, or -1 when the
    /// first of them would have to be waited for (preadv2 with RWF_NOWAIT).
    /// </summary>
    public virtual unsafe int TryReadCached(Span<byte> destination, long offset)
    {
        fixed (byte* start = destination)
        {
            var vector = new Native.IoVector { Base = start, Length = (nuint)destination.Length };
            var read = Native.PReadV2(_handle, &vector, 1, offset, Native.RwfNoWait);
            return read > 0 ? (int)read : -1;
        }
    }

    /// <summary>Reads until the destination is full or the file ends; returns the number of bytes.</summary>
    public virtual int Read(Span<byte> destination, long offset)
    {
        var done = 0;
        while (done < destination.Length)
        {
            var read = RandomAccess.Read(_handle, destination[done..], offset + done);
            if (read == 0)
                break;
            done += read;
        }

        return done;
    }

    public virtual void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_handle, bytes, offset);

    public virtual void SetLength(long length) => RandomAccess.SetLength(_handle, length);

    /// <summary>Gives the blocks of a range back to the file system; the file keeps its length.</summary>
    public virtual void Punch(long start, long end)
    {
        if (Native.PunchHole(_handle, start, end - start) != 0)
            throw Native.Error("fallocate");
    }

    /// <summary>fdatasync.</summary>
    public virtual void Sync()
    {
        if (Native.FDataSync(_handle) != 0)
            throw Native.Error("fdatasync");
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _handle.Dispose();
}
