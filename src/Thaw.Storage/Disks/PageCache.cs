using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Disks;

/// <summary>What of a file the kernel holds in memory.</summary>
internal static unsafe partial class PageCache
{
    // The number is the same on x64 and arm64 (asm-generic/unistd.h); Linux 6.5 and later.
    private const long CacheStatCall = 451;

    private const int ReadProtection = 1;
    private const int SharedMapping = 1;
    private const int WindowBytes = 1 << 30;

    private static readonly nuint Page = (nuint)Environment.SystemPageSize;

    /// <summary>Resident bytes of a file's first bytes; null if the kernel does not say.</summary>
    public static long? ResidentBytes(SafeFileHandle file, long bytes) =>
        ByCacheStat(file, bytes) ?? ByMincore(file, bytes);

    /// <summary>The system call <c>cachestat</c>.</summary>
    internal static long? ByCacheStat(SafeFileHandle file, long bytes)
    {
        var range = new Range { Offset = 0, Length = (ulong)bytes };
        var stat = default(Stat);
        return SystemCall(CacheStatCall, file, &range, &stat, 0) == 0
            ? Math.Min(bytes, (long)stat.Cached * (long)Page) : null;
    }

    /// <summary>A mapping and <c>mincore</c>, a window at a time.</summary>
    internal static long? ByMincore(SafeFileHandle file, long bytes)
    {
        long resident = 0;
        var pages = new byte[WindowBytes / (int)Page];
        for (long offset = 0; offset < bytes; offset += WindowBytes)
        {
            var length = (nuint)Math.Min(WindowBytes, bytes - offset);
            var mapping = Map(null, length, ReadProtection, SharedMapping, file, offset);
            if ((nint)mapping == -1)
                return null;
            try
            {
                fixed (byte* first = pages)
                    if (MinCore(mapping, length, first) != 0)
                        return null;
                foreach (var page in pages.AsSpan(0, (int)((length + Page - 1) / Page)))
                    resident += (page & 1) * (long)Page;
            }
            finally
            {
                _ = Unmap(mapping, length);
            }
        }

        return Math.Min(bytes, resident);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, SafeFileHandle fd, Range* range, Stat* stat, uint flags);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Map(
        void* address, nuint length, int protection, int flags, SafeFileHandle fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    private static partial int MinCore(void* address, nuint length, byte* pages);

    [StructLayout(LayoutKind.Sequential)]
    private struct Range
    {
        public ulong Offset;
        public ulong Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Stat
    {
        public ulong Cached;
        public ulong Dirty;
        public ulong Writeback;
        public ulong Evicted;
        public ulong RecentlyEvicted;
    }
}
