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

    /// <inheritdoc />
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Version.Disk.Released(Version);
    }
}
