using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Thaw.Daemon;

/// <summary>What the files of a directory occupy on disk. Cached files are sparse: their length says nothing.</summary>
internal static partial class FolderUse
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint WantBlocks = 0x400; // STATX_BLOCKS
    private const int StatxBytes = 256;
    private const int BlocksOffset = 48; // stx_blocks in struct statx (linux/stat.h), in units of 512 bytes

    /// <summary>Bytes of all regular files below a directory; a file that goes meanwhile counts as nothing.</summary>
    public static long BytesBelow(string folder)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint,
            IgnoreInaccessible = true,
        };
        return Directory.EnumerateFiles(folder, "*", options).Sum(BytesOf);
    }

    private static unsafe long BytesOf(string file)
    {
        Span<byte> answer = stackalloc byte[StatxBytes];
        fixed (byte* to = answer)
        {
            return Statx(CurrentFolder, file, NoFollow, WantBlocks, to) == 0
                ? 512 * (long)BinaryPrimitives.ReadUInt64LittleEndian(answer[BlocksOffset..]) : 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* answer);
}
