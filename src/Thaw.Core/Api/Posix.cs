namespace Thaw.Core.Api;

/// <summary>Asks to mount or unmount the tree.</summary>
/// <param name="Path">An absolute path; to mount on, an empty directory or none yet.</param>
public sealed record PosixRequest(string Path);

/// <summary>The tree at one directory.</summary>
/// <param name="Path">Where.</param>
/// <param name="Mounted">Whether it is there now.</param>
/// <param name="Passthrough">Whether whole versions are read by FUSE passthrough, at the speed of the disk.</param>
/// <param name="OpenFiles">Files that are open.</param>
public sealed record PosixStatus(string Path, bool Mounted, bool Passthrough, long OpenFiles);
