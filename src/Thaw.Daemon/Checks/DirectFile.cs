using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Daemon.Checks;

/// <summary>Calls that .NET has no way to: reads past the page cache, and holes.</summary>
internal static partial class DirectFile
{
    private const int Alignment = 4096;
    private const int CloseOnExec = 0x80000;
    private const int KeepSizeAndPunch = 0x3; // FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE

    /// <summary>O_DIRECT differs between the two architectures (asm/fcntl.h).</summary>
    private static readonly int Direct =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    /// <summary>Reads a file past the page cache; bytes read, or null where the file system cannot.</summary>
    public static unsafe long? ReadAll(string path, int pieceBytes, CancellationToken cancellationToken)
    {
        using var file = new SafeFileHandle(Open(path, CloseOnExec | Direct), ownsHandle: true);
        if (file.IsInvalid)
            return null;
        var buffer = NativeMemory.AlignedAlloc((nuint)pieceBytes, Alignment);
        try
        {
            long done = 0;
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var read = PRead(file, buffer, (nuint)pieceBytes, done);
                if (read < 0)
                    return null;
                if (read == 0)
                    return done;
                done += read;
            }
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    /// <summary>Whether the file system gives blocks in the middle of a file back.</summary>
    public static bool TryPunch(SafeFileHandle file, long offset, long bytes) =>
        FAllocate(file, KeepSizeAndPunch, offset, bytes) == 0;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread")]
    private static unsafe partial nint PRead(SafeFileHandle file, void* buffer, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "fallocate")]
    private static partial int FAllocate(SafeFileHandle file, int mode, long offset, long bytes);
}
