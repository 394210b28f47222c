using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>
/// What one version occupies on a disk, and how warm it is. Read by any thread, changed under the gate of
/// <see cref="DiskSpace"/> alone.
/// </summary>
internal sealed class Account(ContentId id, long sizeBytes) : VersionHeat(id, sizeBytes)
{
    private long _bytes;
    private volatile bool _isAside;

    /// <summary>Bytes of whole chunks.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Not among the victims for now, as it is held or pinned.</summary>
    public bool IsAside
    {
        get => _isAside;
        set => _isAside = value;
    }

    /// <summary>The version is unlinked; its bytes are given back.</summary>
    public bool IsRemoved { get; private set; }

    /// <summary>Adds bytes; false if the version was removed and has given all its bytes back.</summary>
    public bool TryAdd(long bytes)
    {
        if (IsRemoved)
            return false;
        Volatile.Write(ref _bytes, _bytes + bytes);
        return true;
    }

    /// <summary>Takes the bytes out; returns them.</summary>
    public long Remove()
    {
        IsRemoved = true;
        return _bytes;
    }
}
