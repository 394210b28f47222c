using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Disks;

/// <summary>The C library calls that .NET has no face for (Linux, x64 and arm64 alike).</summary>
internal static unsafe partial class Native
{
    /// <summary>uapi/linux/fs.h: fail with EAGAIN instead of waiting for the disk.</summary>
    public const int RwfNoWait = 0x8;

    public const int WouldBlock = 11;
    public const int ErrorNoSpace = 28;
    public const int ErrorReadOnly = 30;
    public const int ErrorQuota = 122;
    private const int InvalidArgument = 22;
    private const int LockExclusiveNonBlocking = 2 | 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    public static partial nint PReadV2(SafeFileHandle fd, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int FDataSync(SafeFileHandle fd);

    /// <summary>Gives a range's blocks back; linux/falloc.h: keep the size (1), punch a hole (2).</summary>
    public static int PunchHole(SafeFileHandle file, long offset, long bytes) => FAllocate(file, 1 | 2, offset, bytes);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FAllocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle fd);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPath(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int FLock(SafeFileHandle fd, int operation);

    /// <summary>Bytes that a file takes of the disk (statx(2), linux/stat.h); 0 if the kernel does not say.</summary>
    public static long AllocatedBytes(SafeFileHandle file)
    {
        const int ofDescriptor = 0x1000;
        const uint blocks = 0x400;
        const int blocksOffset = 48;
        Span<byte> answer = stackalloc byte[256];
        fixed (byte* to = answer)
            return StatX(file, "", ofDescriptor, blocks, to) == 0
                ? 512 * BinaryPrimitives.ReadInt64LittleEndian(answer[blocksOffset..]) : 0;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(SafeFileHandle fd, string path, int flags, uint mask, byte* answer);

    /// <summary>
    /// Opens a file with O_DIRECT; null where the file system refuses that (EINVAL). The flag differs between
    /// x64 and arm64 (asm-generic/fcntl.h, arch/arm64/include/uapi/asm/fcntl.h).
    /// </summary>
    public static SafeFileHandle? TryOpenDirect(string path)
    {
        const int readOnlyCloseOnExec = 0x80000;
        var direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;
        var handle = new SafeFileHandle(OpenPath(path, readOnlyCloseOnExec | direct), ownsHandle: true);
        if (!handle.IsInvalid)
            return handle;
        handle.Dispose();
        return Marshal.GetLastPInvokeError() == InvalidArgument ? null : throw Error("open of " + path);
    }

    /// <summary>Makes a folder's entries durable.</summary>
    public static void SyncFolder(string path)
    {
        const int readOnlyCloseOnExec = 0x80000;
        using var handle = new SafeFileHandle(OpenPath(path, readOnlyCloseOnExec), ownsHandle: true);
        if (handle.IsInvalid || FSync(handle) != 0)
            throw Error("fsync of the folder " + path);
    }

    /// <summary>Takes an exclusive lock that ends with the process; false if another process holds it.</summary>
    public static bool TryLock(SafeFileHandle file) => FLock(file, LockExclusiveNonBlocking) == 0;

    /// <summary>The last error as an exception with the errno as its HResult.</summary>
    public static IOException Error(string call)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }

    /// <summary>
    /// Whether an error is a disk's, or a remote file system's, and may end by itself: EIO, ENXIO, ENODEV, EROFS,
    /// ESHUTDOWN, ETIMEDOUT, EHOSTDOWN, EHOSTUNREACH, ESTALE, EUCLEAN, EREMOTEIO, ENOMEDIUM (asm-generic/errno.h).
    /// </summary>
    public static bool IsDiskFailure(Exception error) =>
        (error is IOException && (error.HResult & 0xffff)
            is 5 or 6 or 19 or ErrorReadOnly or 108 or 110 or 112 or 113 or 116 or 117 or 121 or 123)
        || (error.InnerException is { } inner && IsDiskFailure(inner));

    /// <summary>Whether an error says that the disk or its quota is full.</summary>
    public static bool IsFull(IOException error) => (error.HResult & 0xffff) is ErrorNoSpace or ErrorQuota;
}
