using Thaw.Posix.Files;

namespace Thaw.Posix.Tree;

/// <summary>What a look-up or a listing found under a name.</summary>
/// <param name="Name">The name in its folder.</param>
/// <param name="IsFolder">A folder, or a file.</param>
/// <param name="SizeBytes">Size of a file.</param>
/// <param name="Modified">When a file was changed at the origin.</param>
/// <param name="Stamp">What tells this version of a file from others.</param>
internal readonly record struct Found(
    string Name, bool IsFolder, long SizeBytes, DateTimeOffset Modified, ulong Stamp)
{
    public static Found Folder(string name) => new(name, true, 0, DateTimeOffset.UnixEpoch, 0);
}

/// <summary>
/// What the kernel knows under one node id: a folder, or one version of a file in one way of opening. Another version,
/// or another way of opening while this one is in use, is another node with the same inode number.
/// </summary>
internal sealed class Node
{
    public Node(ulong id, Node? parent, in Found found, ulong inode)
    {
        (Id, Parent, Inode) = (id, parent, inode);
        (Name, IsFolder, SizeBytes, Stamp) = (found.Name, found.IsFolder, found.SizeBytes, found.Stamp);
        ModifiedSeconds = Math.Max(0, found.Modified.ToUnixTimeSeconds());
    }

    public ulong Id { get; }

    public Node? Parent { get; }

    public string Name { get; }

    public ulong Inode { get; }

    public bool IsFolder { get; }

    public long SizeBytes { get; }

    public long ModifiedSeconds { get; }

    public ulong Stamp { get; }

    // Owned by the table, under its lock.

    /// <summary>How often the kernel was told of it and has not forgotten.</summary>
    public ulong Lookups { get; set; }

    /// <summary>Whether its name leads to it.</summary>
    public bool IsCurrent { get; set; }

    /// <summary>When a look-up or listing last found it.</summary>
    public long SeenAt { get; set; }

    /// <summary>When its whole listing was begun that the kernel has; 0: never. Folders only.</summary>
    public long ListedAt { get; set; }

    /// <summary>Names of a folder that no file system can hold.</summary>
    public int HiddenNames { get; set; }

    /// <summary>How it is open; null while it never was.</summary>
    public NodeOpens? Opens { get; set; }

    /// <summary>Whether it is the same file that was found.</summary>
    public bool Is(in Found found) =>
        IsFolder == found.IsFolder && Stamp == found.Stamp && SizeBytes == found.SizeBytes;

    /// <summary>The mount's name and the key below it; a folder's key is empty or ends in a slash.</summary>
    public (string Mount, string Key) Locate()
    {
        if (Parent is null)
            return ("", "");
        if (Parent.Parent is null)
            return (Name, "");
        var (mount, prefix) = Parent.Locate();
        return (mount, prefix + Name + (IsFolder ? "/" : ""));
    }
}
