using Thaw.Storage.Versions;

namespace Thaw.Storage.Disks;

/// <summary>
/// The disk for each new version: round robin, weighted by free capacity, so that the shards of a model, which come
/// one after the other, lie on all disks and are read from all of them (smooth weighted round robin: each turn every
/// disk gains its weight, the richest is taken and pays the sum). Any thread.
/// </summary>
internal sealed class DiskChoice(IReadOnlyList<DiskStore> disks)
{
    private readonly Lock _gate = new();
    private readonly double[] _credits = new double[disks.Count];

    /// <summary>A healthy disk, or else a slow one, or else null.</summary>
    public DiskStore? Next() => Next(DiskState.Healthy) ?? Next(DiskState.Slow);

    private DiskStore? Next(DiskState state)
    {
        lock (_gate)
        {
            var (richest, sum) = (-1, 0d);
            for (var index = 0; index < disks.Count; index++)
            {
                if (disks[index].Health.State != state)
                    continue;
                // A full disk keeps a small weight: room is made there, too.
                var space = disks[index].Space;
                var weight = Math.Max(space.Capacity - space.UsedBytes, space.Capacity / 64d) + 1;
                _credits[index] += weight;
                sum += weight;
                if (richest < 0 || _credits[index] > _credits[richest])
                    richest = index;
            }

            if (richest < 0)
                return null;
            _credits[richest] -= sum;
            return disks[richest];
        }
    }
}
