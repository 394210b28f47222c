using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Tree;

/// <summary>Writes READDIR and READDIRPLUS answers: entries padded to 8 bytes, as many whole ones as fit.</summary>
internal ref struct FolderWriter(Span<byte> destination, bool plus)
{
    private const uint FolderType = 4;
    private const uint FileType = 8;

    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>Whether an entry of this name fits.</summary>
    public readonly bool Fits(string name) => Length + SizeOf(Encoding.UTF8.GetByteCount(name)) <= _destination.Length;

    /// <summary>Writes an entry that fits; the kernel asks for <paramref name="next"/> to go on behind it.</summary>
    public void Add(string name, ulong inode, bool isFolder, long next, in EntryOut entry)
    {
        var nameLength = Encoding.UTF8.GetByteCount(name);
        var target = _destination.Slice(Length, SizeOf(nameLength));
        target.Clear();
        Length += target.Length;
        if (plus)
        {
            MemoryMarshal.Write(target, in entry);
            target = target[Unsafe.SizeOf<EntryOut>()..];
        }

        var head = new DirEntry
        {
            Inode = inode,
            Offset = (ulong)next,
            NameLength = (uint)nameLength,
            Type = isFolder ? FolderType : FileType,
        };
        MemoryMarshal.Write(target, in head);
        Encoding.UTF8.GetBytes(name, target[Unsafe.SizeOf<DirEntry>()..]);
    }

    private readonly int SizeOf(int nameLength) =>
        (plus ? Unsafe.SizeOf<EntryOut>() : 0) + ((Unsafe.SizeOf<DirEntry>() + nameLength + 7) & ~7);
}
