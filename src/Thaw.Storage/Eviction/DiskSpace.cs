using Thaw.Core.Identity;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Eviction;

/// <summary>
/// The room on one disk: what may be written and what goes for it. Any thread; a caller that makes room is on one of
/// the disk's threads.
/// <para>Invariants: bytes of versions that are unlinked while somebody holds them count as used until they are closed;
/// a held or pinned version is no victim.</para>
/// </summary>
internal sealed class DiskSpace(DiskStore disk, long capacityBytes, Func<ContentId, bool> isPinned, DiskStoreLog log)
{
    private long _heldBytes;

    /// <summary>Most bytes of versions.</summary>
    public long Capacity => capacityBytes;

    /// <summary>What each version occupies.</summary>
    public Accounts Accounts { get; } = new();

    /// <summary>Bytes of versions, those of unlinked ones that somebody still holds among them.</summary>
    public long UsedBytes => Accounts.Bytes + Volatile.Read(ref _heldBytes);

    /// <summary>A reader or writer uses a version now.</summary>
    public void NoteUse(ContentId id) => Accounts.Touch(id, disk.Clock.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Bytes of an unlinked version stay on the disk as long as somebody holds it.</summary>
    public void HoldUnlinked(long bytes) => Interlocked.Add(ref _heldBytes, bytes);

    /// <summary>The last holder of an unlinked version has let go.</summary>
    public void LetUnlinkedGo(long bytes) => Interlocked.Add(ref _heldBytes, -bytes);

    /// <summary>Makes sure that so many bytes more fit into the capacity; false if nothing can go for them.</summary>
    public bool TryReserve(long bytes, ContentId forVersion)
    {
        var missing = UsedBytes + bytes - Capacity;
        return missing <= 0 || TryEvict(missing, forVersion);
    }

    /// <summary>Drops versions, the least recently used first, until so many bytes are given back.</summary>
    public bool TryEvict(long bytes, ContentId forVersion)
    {
        var victims = Accounts.All
            .Where(account => account.Key != forVersion && account.Value.Bytes > 0
                && !disk.IsInUse(account.Key) && !isPinned(account.Key))
            .OrderBy(account => account.Value.LastUsed)
            .Select(account => account.Key);
        foreach (var victim in victims)
        {
            var dropped = disk.Drop(victim);
            disk.Counters.AddEvicted(dropped);
            log.Evicted(victim, dropped, disk.Root);
            bytes -= dropped;
            if (bytes <= 0)
                return true;
        }

        return false;
    }
}
