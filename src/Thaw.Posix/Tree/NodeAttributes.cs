using Thaw.Posix.Bindings;

namespace Thaw.Posix.Tree;

/// <summary>Attributes of nodes as <c>stat</c> shows them: read-only, owned by root, times of the origin.</summary>
internal static class NodeAttributes
{
    /// <summary>S_IFREG and S_IFDIR with r--r--r-- and r-xr-xr-x.</summary>
    public const uint FileMode = 0x8000 | 0x124;

    public const uint FolderMode = 0x4000 | 0x16d;

    /// <summary>A node id stands for one version: what is known of it never changes.</summary>
    private const ulong ValidSeconds = 86_400;

    public const uint BlockBytes = 4096;
    private const ulong SectorBytes = 512;

    public static Attributes Of(Node node) => new()
    {
        Inode = node.Inode,
        Size = (ulong)node.SizeBytes,
        Blocks = ((ulong)node.SizeBytes + SectorBytes - 1) / SectorBytes,
        AccessSeconds = (ulong)node.ModifiedSeconds,
        ModifySeconds = (ulong)node.ModifiedSeconds,
        ChangeSeconds = (ulong)node.ModifiedSeconds,
        Mode = node.IsFolder ? FolderMode : FileMode,
        Links = node.IsFolder ? 2u : 1u,
        BlockSize = BlockBytes,
    };

    public static AttrOut AnswerOf(Node node) => new() { ValidSeconds = ValidSeconds, Attributes = Of(node) };

    /// <summary>An entry whose name is believed for a while.</summary>
    public static EntryOut EntryOf(Node node, TimeSpan valid) => new()
    {
        NodeId = node.Id,
        EntryValidSeconds = (ulong)valid.TotalSeconds,
        EntryValidNanoseconds = (uint)(valid.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick),
        AttributesValidSeconds = ValidSeconds,
        Attributes = Of(node),
    };

    /// <summary>No such name, believed for a while.</summary>
    public static EntryOut None(TimeSpan valid) => new()
    {
        EntryValidSeconds = (ulong)valid.TotalSeconds,
        EntryValidNanoseconds = (uint)(valid.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick),
    };
}
