using Thaw.Core.Identity;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Disks;

/// <summary>
/// The disk for each new version: round robin, weighted by free capacity, so that the shards of a model, which come
/// one after the other, lie on all disks and are read from all of them (smooth weighted round robin: each turn every
/// disk gains its weight, the richest is taken and pays the sum). Any thread.
/// </summary>
internal sealed class DiskChoice
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ContentId, Placement> _placing = [];
    private readonly Dictionary<DiskStore, double> _credits = [];

    /// <summary>
    /// A healthy disk, or else a slow one, or else none: the same one for all who place a version at the same time.
    /// Leave it when the version is there.
    /// </summary>
    /// <param name="id">The version.</param>
    /// <param name="disks">The disks there are now.</param>
    public Placement Take(ContentId id, IReadOnlyList<DiskStore> disks)
    {
        lock (_gate)
        {
            if (!_placing.TryGetValue(id, out var placement) || placement.Disk?.Health.CanWrite != true)
                _placing[id] = placement = new Placement(
                    id, Next(disks, DiskState.Healthy) ?? Next(disks, DiskState.Slow));
            placement.Users++;
            return placement;
        }
    }

    /// <summary>The version is there, or cannot be made.</summary>
    public void Leave(Placement placement)
    {
        lock (_gate)
        {
            if (--placement.Users == 0 && _placing.GetValueOrDefault(placement.Id) == placement)
                _placing.Remove(placement.Id);
        }
    }

    private DiskStore? Next(IReadOnlyList<DiskStore> disks, DiskState state)
    {
        DiskStore? richest = null;
        var sum = 0d;
        foreach (var disk in disks)
        {
            if (disk.Health.State != state)
                continue;
            // A full disk keeps a small weight: room is made there, too.
            var space = disk.Space;
            var weight = Math.Max(space.Capacity - space.UsedBytes, space.Capacity / 64d) + 1;
            _credits[disk] = _credits.GetValueOrDefault(disk) + weight;
            sum += weight;
            if (richest is null || _credits[disk] > _credits[richest])
                richest = disk;
        }

        if (richest is not null)
            _credits[richest] -= sum;
        return richest;
    }

    /// <summary>Where a version is being made.</summary>
    internal sealed class Placement(ContentId id, DiskStore? disk)
    {
        public ContentId Id => id;

        public DiskStore? Disk => disk;

        public int Users { get; set; }
    }
}
