using System.Text;
using Thaw.Core;

namespace Thaw.Posix.Tree;

/// <summary>Which parts of keys can be names of files, and the numbers that files keep for ever.</summary>
internal static class FileNames
{
    /// <summary>Inode number of the root, as every file system has it.</summary>
    public const ulong RootInode = 1;

    /// <summary>
    /// Whether a part of a key can be a name: not empty, not <c>.</c> or <c>..</c>, without a zero, at most 255 bytes.
    /// </summary>
    public static bool IsPossible(ReadOnlySpan<char> part) =>
        part.Length > 0
        && part is not "." and not ".."
        && !part.ContainsAny('/', '\0')
        && Encoding.UTF8.GetByteCount(part) <= Limits.FileNameBytes;

    /// <summary>
    /// The inode number of a path: a hash of mount and key (FNV-1a, finished as in MurmurHash3), so that it is the same
    /// in every run and on every node. A folder's path ends in a slash.
    /// </summary>
    public static ulong InodeOf(string mount, string key)
    {
        var hash = Add(Add(Add(0xcbf29ce484222325, mount), "/"), key);
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        hash ^= hash >> 33;
        return hash <= RootInode ? hash + 2 : hash;
    }

    /// <summary>What tells two versions of one name apart without keeping their ETags.</summary>
    public static ulong StampOf(string etag, long sizeBytes) =>
        Add((0xcbf29ce484222325 ^ (ulong)sizeBytes) * 0x100000001b3, etag);

    private static ulong Add(ulong hash, string text)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
            foreach (var unit in bytes[..rune.EncodeToUtf8(bytes)])
                hash = (hash ^ unit) * 0x100000001b3;
        return hash;
    }
}
