using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Versions;

/// <summary>
/// Keeps a version open: its files are not closed, and it is no victim of eviction, until this is disposed.
/// </summary>
public sealed class VersionLease : IDisposable
{
    private int _disposed;

    internal VersionLease(VersionFile version) => Version = version;

    /// <summary>The version.</summary>
    public VersionFile Version { get; }

    /// <summary>
    /// The file to hand to the kernel for passthrough, once the version is sealed; null for versions that live inside
    /// their map. It is the version's own: never close it.
    /// </summary>
    public SafeFileHandle? Backing => Version.IsSealed ? Version.Backing : null;

    /// <inheritdoc />
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Version.Disk.Released(Version);
    }
}
