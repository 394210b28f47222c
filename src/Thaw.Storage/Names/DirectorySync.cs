using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Thaw.Storage.Names;

/// <summary>fsync of a directory, which makes a rename in it durable; .NET opens no directories.</summary>
internal static partial class DirectorySync
{
    private const int ReadOnly = 0;
    private const int Directory = 0x10000; // O_DIRECTORY of asm-generic and x86; arm64 has its own below
    private const int DirectoryArm = 0x4000;
    private const int CloseOnExec = 0x80000;

    /// <summary>Throws <see cref="IOException"/> with the system's words.</summary>
    public static void Sync(string path)
    {
        var directory = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? DirectoryArm : Directory;
        var descriptor = Open(path, ReadOnly | directory | CloseOnExec);
        if (descriptor < 0)
            throw Failed(path);
        try
        {
            if (Fsync(descriptor) != 0)
                throw Failed(path);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failed(string path) =>
        new($"{path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
