using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Thaw.Core;
using Thaw.Core.Identity;

namespace Thaw.Origins.Directory;

/// <summary>
/// Walks the regular files below a root in the UTF-8 byte order of their keys. A directory counts as its name with the
/// slash behind, so 'a.txt' comes before the files of 'a' and these before 'a0'. Only the directories between the root
/// and the present file are in memory, and directories that lie before <see cref="StartAfter"/> or outside of the
/// prefix are not read. Made for one listing, used by one thread.
/// </summary>
internal sealed class DirectoryWalk : IDisposable
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly int _root;
    private readonly string _prefix;
    private readonly Action<string, byte[]> _skipName;
    private readonly Stack<Level> _levels = new();
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 << 10);

    /// <summary>Starts at the deepest directory that the prefix names.</summary>
    /// <param name="root">Descriptor of the root; belongs to the caller.</param>
    /// <param name="prefix">Only keys that start with this.</param>
    /// <param name="startAfter">Only greater keys.</param>
    /// <param name="skipName">Is told of names that are no UTF-8: directory and bytes.</param>
    public DirectoryWalk(int root, string prefix, string startAfter, Action<string, byte[]> skipName)
    {
        (_root, _prefix, _skipName, StartAfter) = (root, prefix, skipName, startAfter);
        var first = prefix[..(prefix.LastIndexOf('/') + 1)];
        if (first.Length == 0 || IsPlain(first))
            Enter(first);
    }

    /// <summary>Only keys greater than this are found; may be moved forward while walking.</summary>
    public string StartAfter { get; set; }

    /// <summary>The error that ended the walk, or 0.</summary>
    public int Errno { get; private set; }

    /// <summary>The directory where it happened.</summary>
    public string FailedAt { get; private set; } = "";

    /// <summary>The next file, or null at the end or after an error.</summary>
    public (string Key, FileStamp Stamp)? Next(CancellationToken cancellationToken)
    {
        while (Errno == 0 && _levels.TryPeek(out var level))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (level.Position == level.Names.Count)
            {
                _levels.Pop();
                continue;
            }

            var key = level.Directory + level.Names[level.Position++];
            if (!IsWanted(key))
                continue;
            if (key.EndsWith('/'))
                Enter(key);
            else if (StampOf(key) is { } stamp)
                return (key, stamp);
        }

        return null;
    }

    /// <inheritdoc />
    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>A directory (ending in a slash) is wanted if any key below it can be.</summary>
    private bool IsWanted(string key)
    {
        var isDirectory = key.EndsWith('/');
        if (!key.StartsWith(_prefix, StringComparison.Ordinal)
            && !(isDirectory && _prefix.StartsWith(key, StringComparison.Ordinal)))
            return false;
        return KeyOrder.Compare(key, StartAfter) > 0
            || (isDirectory && StartAfter.StartsWith(key, StringComparison.Ordinal));
    }

    private void Enter(string directory)
    {
        var descriptor = Libc.OpenBeneath(_root, directory.Length == 0 ? "." : directory[..^1], Libc.Kind.Directory);
        if (descriptor < 0)
        {
            Fail(-descriptor, directory);
            return;
        }

        try
        {
            var errno = Libc.Stat(descriptor, out var stat);
            if (errno != 0)
                Fail(-errno, directory);
            // A link to a directory above it would never end.
            else if (!_levels.Any(above =>
                above.Inode == stat.Inode && above.Device == (stat.DeviceMajor, stat.DeviceMinor)))
                _levels.Push(new Level(
                    directory, stat.Inode, (stat.DeviceMajor, stat.DeviceMinor), ReadNames(descriptor, directory)));
        }
        finally
        {
            Libc.Close(descriptor);
        }
    }

    /// <summary>Names in order, directories with the slash that their keys have.</summary>
    private List<string> ReadNames(int descriptor, string directory)
    {
        var names = new List<string>();
        int filled;
        while ((filled = Libc.ReadEntries(descriptor, _buffer)) > 0)
            for (var at = 0; at < filled;)
            {
                // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name with a zero behind.
                var length = BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(at + 16));
                AddName(names, directory, _buffer.AsSpan(at + 19, length - 19), _buffer[at + 18]);
                at += length;
            }

        if (filled < 0)
            Fail(-filled, directory);
        names.Sort(KeyOrder.Instance);
        return names;
    }

    private void AddName(List<string> names, string directory, Span<byte> bytes, byte type)
    {
        const byte IsUnknown = 0, IsDirectory = 4, IsRegular = 8, IsLink = 10;
        bytes = bytes[..bytes.IndexOf((byte)0)];
        if (bytes.SequenceEqual("."u8) || bytes.SequenceEqual(".."u8))
            return;
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            _skipName(directory, bytes.ToArray());
            return;
        }

        var name = Strict.GetString(bytes);
        if (Encoding.UTF8.GetByteCount(directory) + bytes.Length > Limits.KeyBytes)
            return;
        var isDirectory = type == IsDirectory || (type is IsLink or IsUnknown && LeadsToDirectory(directory + name));
        if (isDirectory)
            names.Add(name + "/");
        else if (type is IsRegular or IsLink or IsUnknown)
            names.Add(name);
    }

    private bool LeadsToDirectory(string path) => TryStat(path, out var stat) && stat.IsDirectory;

    /// <summary>Null if it vanished meanwhile, is no regular file, or leads out of the root.</summary>
    private FileStamp? StampOf(string key) =>
        TryStat(key, out var stat) && stat.IsRegular ? FileStamp.From(in stat) : null;

    private bool TryStat(string path, out Libc.Statx stat)
    {
        stat = default;
        var descriptor = Libc.OpenBeneath(_root, path, Libc.Kind.Path);
        if (descriptor < 0)
        {
            Fail(-descriptor, path);
            return false;
        }

        var errno = Libc.Stat(descriptor, out stat);
        Libc.Close(descriptor);
        if (errno != 0)
            Fail(-errno, path);
        return errno == 0;
    }

    /// <summary>
    /// What is gone or may not be read is left out; a failing file system must not look like an empty one.
    /// </summary>
    private void Fail(int errno, string path)
    {
        var isRefusedRoot = path.Length == 0 && (errno is Libc.Eacces or Libc.Eperm);
        if (!isRefusedRoot
            && errno is Libc.Enoent or Libc.Enotdir or Libc.Eacces or Libc.Eperm or Libc.Exdev or Libc.Eloop
            or Libc.Enametoolong)
            return;
        (Errno, FailedAt) = (errno, path);
    }

    private static bool IsPlain(string prefix) =>
        !prefix.Contains('\0', StringComparison.Ordinal)
        && !prefix[..^1].Split('/').Any(static part => part is "" or "." or "..");

    private sealed class Level(string directory, ulong inode, (uint, uint) device, List<string> names)
    {
        public string Directory { get; } = directory;

        public ulong Inode { get; } = inode;

        public (uint, uint) Device { get; } = device;

        public List<string> Names { get; } = names;

        public int Position { get; set; }
    }
}
