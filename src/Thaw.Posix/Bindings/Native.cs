using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Posix.Bindings;

/// <summary>
/// The C library calls of the FUSE room (Linux, x64 and arm64 alike). All may block or be interrupted; none suppresses
/// the collector's transition.
/// </summary>
internal static unsafe partial class Native
{
    public const int OpenReadWriteCloseOnExec = 2 | 0x80000;

    /// <summary>
    /// O_RDONLY, O_CLOEXEC, O_NONBLOCK: a folder opens, and on another kind of file nothing waits. O_DIRECTORY has
    /// other values on other processors.
    /// </summary>
    public const int OpenFolderCloseOnExec = 0x80000 | 0x800;

    /// <summary>uapi/linux/fuse.h: FUSE_DEV_IOC_CLONE, _BACKING_OPEN, _BACKING_CLOSE.</summary>
    public const nuint IoctlClone = 0x8004E500;

    public const nuint IoctlBackingOpen = 0x4010E501;
    public const nuint IoctlBackingClose = 0x4004E502;

    /// <summary>MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOATIME (uapi/linux/mount.h).</summary>
    public const nuint MountReadOnly = 1 | 2 | 4 | 1024;

    /// <summary>MNT_DETACH.</summary>
    public const int UnmountDetach = 2;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle fd, void* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteV(SafeFileHandle fd, IoVector* vectors, int count);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(SafeFileHandle fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Mount(string source, string target, string type, nuint flags, string options);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unmount(string target, int flags);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, byte* resolved);

    /// <summary>A path without symbolic links, or as it is if it cannot be followed.</summary>
    public static string Resolve(string path)
    {
        const int longest = 4096; // PATH_MAX
        var resolved = stackalloc byte[longest];
        return RealPath(path, resolved) == 0 ? path : Marshal.PtrToStringUTF8((nint)resolved)!;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    public static partial uint EffectiveGroup();

    /// <summary>The errno of the last call that failed.</summary>
    public static int LastError => Marshal.GetLastPInvokeError();

    /// <summary>What an errno says.</summary>
    public static string Explain(int errno) => Marshal.GetPInvokeErrorMessage(errno);
}
