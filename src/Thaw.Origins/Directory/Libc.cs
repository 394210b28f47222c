using System.Runtime.InteropServices;

namespace Thaw.Origins.Directory;

/// <summary>
/// The few calls of Linux that .NET has no way to: openat2(2), statx(2), getdents64(2). Same numbers on x64 and arm64.
/// </summary>
internal static partial class Libc
{
    /// <summary>Errors of open and read (asm-generic/errno.h).</summary>
    public const int Eperm = 1, Enoent = 2, Eintr = 4, Eagain = 11, Eacces = 13, Exdev = 18, Enotdir = 20,
    Enametoolong = 36,
        Enosys = 38, Eloop = 40;

    private const int AtFdCwd = -100;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxBasicStats = 0x7ff;
    private const int SysOpenat2 = 437;
    private const ulong OpenCloseOnExec = 0x80000;
    private const ulong OpenNonBlocking = 0x800;
    private const ulong ResolveBeneath = 0x08;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong OpenPath = 0x200000;

    /// <summary>O_DIRECTORY differs between the two architectures (asm/fcntl.h).</summary>
    private static readonly ulong OpenDirectory =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000ul : 0x10000ul;

    /// <summary>How to open.</summary>
    public enum Kind
    {
        /// <summary>To stat only: works without read permission, never blocks on a device or pipe.</summary>
        Path,

        /// <summary>To read; opening a pipe does not wait for a writer.</summary>
        File,

        /// <summary>To list.</summary>
        Directory,

        /// <summary>To resolve other names below it.</summary>
        Root,
    }

    /// <summary>Opens the root, following links; a negative answer is an errno.</summary>
    public static int OpenRoot(string path) => Open(AtFdCwd, path, FlagsOf(Kind.Root), 0);

    /// <summary>
    /// Opens a name below a root; the kernel refuses (EXDEV) every way out, link or not. Negative: an errno.
    /// </summary>
    public static int OpenBeneath(int root, string path, Kind kind)
    {
        // A rename elsewhere in the tree can make the kernel unsure; it asks to try again (openat2(2), EAGAIN).
        for (var attempt = 0; ; attempt++)
        {
            var answer = Open(root, path, FlagsOf(kind), ResolveBeneath | ResolveNoMagicLinks);
            if (answer != -Eintr && (answer != -Eagain || attempt == 100))
                return answer;
        }
    }

    /// <summary>Stats an open descriptor: 0 or a negative errno.</summary>
    public static unsafe int Stat(int descriptor, out Statx stat)
    {
        fixed (Statx* to = &stat)
            return CallStatx(descriptor, "", AtEmptyPath, StatxBasicStats, to) == 0
                ? 0
                : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Reads directory entries: bytes filled, 0 at the end, or a negative errno.</summary>
    public static unsafe int ReadEntries(int descriptor, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            var count = (int)getdents64(descriptor, to, (nuint)buffer.Length);
            return count >= 0 ? count : -Marshal.GetLastPInvokeError();
        }
    }

    /// <summary>Closes a descriptor.</summary>
    public static void Close(int descriptor) => _ = close(descriptor);

    private static ulong FlagsOf(Kind kind) => OpenCloseOnExec | kind switch
    {
        Kind.Path => OpenPath,
        Kind.File => OpenNonBlocking,
        Kind.Directory => OpenDirectory,
        _ => OpenDirectory | OpenPath,
    };

    private static unsafe int Open(int directory, string path, ulong flags, ulong resolve)
    {
        var how = new OpenHow { Flags = flags, Resolve = resolve };
        var name = Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            var answer = (int)syscall(SysOpenat2, directory, name, &how, (nuint)sizeof(OpenHow));
            return answer >= 0 ? answer : -Marshal.GetLastPInvokeError();
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint syscall(nint number, nint directory, nint path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int CallStatx(int directory, string path, int flags, uint mask, Statx* stat);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint getdents64(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    private struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    /// <summary>struct statx (linux/stat.h), as far as it is used.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    public struct Statx
    {
        /// <summary>Type and permissions.</summary>
        [FieldOffset(28)] public ushort Mode;

        /// <summary>Inode number.</summary>
        [FieldOffset(32)] public ulong Inode;

        /// <summary>Size in bytes.</summary>
        [FieldOffset(40)] public ulong Size;

        /// <summary>Last change of the inode, seconds.</summary>
        [FieldOffset(96)] public long ChangedSeconds;

        /// <summary>Last change of the inode, nanoseconds.</summary>
        [FieldOffset(104)] public uint ChangedNanoseconds;

        /// <summary>Last change of the bytes, seconds.</summary>
        [FieldOffset(112)] public long ModifiedSeconds;

        /// <summary>Last change of the bytes, nanoseconds.</summary>
        [FieldOffset(120)] public uint ModifiedNanoseconds;

        /// <summary>Device, major number.</summary>
        [FieldOffset(136)] public uint DeviceMajor;

        /// <summary>Device, minor number.</summary>
        [FieldOffset(140)] public uint DeviceMinor;

        /// <summary>S_ISREG.</summary>
        public readonly bool IsRegular => (Mode & 0xF000) == 0x8000;

        /// <summary>S_ISDIR.</summary>
        public readonly bool IsDirectory => (Mode & 0xF000) == 0x4000;
    }
}
