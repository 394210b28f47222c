using System.Runtime.InteropServices;

namespace Thaw.Posix.Bindings;

// The structures of uapi/linux/fuse.h, protocol 7.40, native byte order. Sizes and offsets are compared with golden
// bytes in the tests.

/// <summary>In front of every request: <c>fuse_in_header</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InHeader
{
    public uint Length;
    public Opcode Opcode;
    public ulong Unique;
    public ulong NodeId;
    public uint Uid;
    public uint Gid;
    public uint Pid;
    public ushort ExtensionLength;
    public ushort Padding;
}

/// <summary>In front of every answer: <c>fuse_out_header</c>; the error is an errno with a minus, or 0.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OutHeader
{
    public uint Length;
    public int Error;
    public ulong Unique;
}

/// <summary><c>fuse_init_in</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InitIn
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public uint Flags2;
    public UnusedWords Unused;

    /// <summary>Room for later.</summary>
    [System.Runtime.CompilerServices.InlineArray(11)]
    public struct UnusedWords
    {
        private uint _first;
    }
}

/// <summary><c>fuse_init_out</c>, 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InitOut
{
    public uint Major;
    public uint Minor;
    public uint MaxReadAhead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularity;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
    public uint MaxStackDepth;
    public ushort RequestTimeout;
    public UnusedWords Unused;

    /// <summary>Room for later.</summary>
    [System.Runtime.CompilerServices.InlineArray(11)]
    public struct UnusedWords
    {
        private ushort _first;
    }
}

/// <summary><c>fuse_attr</c>, 88 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Attributes
{
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AccessSeconds;
    public ulong ModifySeconds;
    public ulong ChangeSeconds;
    public uint AccessNanoseconds;
    public uint ModifyNanoseconds;
    public uint ChangeNanoseconds;
    public uint Mode;
    public uint Links;
    public uint Uid;
    public uint Gid;
    public uint Device;
    public uint BlockSize;
    public uint Flags;
}

/// <summary><c>fuse_entry_out</c>, 128 bytes; node id 0 says that there is no such name.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct EntryOut
{
    public ulong NodeId;
    public ulong Generation;
    public ulong EntryValidSeconds;
    public ulong AttributesValidSeconds;
    public uint EntryValidNanoseconds;
    public uint AttributesValidNanoseconds;
    public Attributes Attributes;
}

/// <summary><c>fuse_attr_out</c>, 104 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AttrOut
{
    public ulong ValidSeconds;
    public uint ValidNanoseconds;
    public uint Padding;
    public Attributes Attributes;
}

/// <summary><c>fuse_open_in</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenIn
{
    public uint Flags;
    public uint OpenFlags;
}

/// <summary><c>fuse_open_out</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenOut
{
    public ulong Handle;
    public OpenFlags Flags;
    public int BackingId;
}

/// <summary><c>fuse_read_in</c>, of READ, READDIR and READDIRPLUS.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReadIn
{
    public ulong Handle;
    public ulong Offset;
    public uint Size;
    public uint ReadFlags;
    public ulong LockOwner;
    public uint Flags;
    public uint Padding;
}

/// <summary><c>fuse_release_in</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReleaseIn
{
    public ulong Handle;
    public uint Flags;
    public uint ReleaseFlags;
    public ulong LockOwner;
}

/// <summary><c>fuse_forget_one</c>; FORGET itself has only the count.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ForgetOne
{
    public ulong NodeId;
    public ulong Lookups;
}

/// <summary><c>fuse_getxattr_in</c>; the answer to a size of 0 has the same form.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct XAttrSize
{
    public uint Size;
    public uint Padding;
}

/// <summary><c>fuse_kstatfs</c>, 80 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatFsOut
{
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public uint BlockSize;
    public uint NameLength;
    public uint FragmentSize;
    public uint Padding;
    public SpareWords Spare;

    /// <summary>Room for later.</summary>
    [System.Runtime.CompilerServices.InlineArray(6)]
    public struct SpareWords
    {
        private uint _first;
    }
}

/// <summary><c>fuse_dirent</c> without its name; names are padded to 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DirEntry
{
    public ulong Inode;
    public ulong Offset;
    public uint NameLength;
    public uint Type;
}

/// <summary><c>fuse_notify_inval_entry_out</c>; the name follows with a zero byte.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct InvalidateEntryOut
{
    public ulong Parent;
    public uint NameLength;
    public uint Flags;
}

/// <summary><c>fuse_backing_map</c>, of the ioctl that opens a backing id.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BackingMap
{
    public int Descriptor;
    public uint Flags;
    public ulong Padding;
}
