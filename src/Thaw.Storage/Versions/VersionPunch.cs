using Thaw.Core.Chunks;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// Gives back the last chunks of a version that is not sealed. One caller at a time, on a thread of the disk, with a
/// lease.
/// <para>Order: the chunks are taken out of memory; if somebody else holds the version by then they are put back, as a
/// reader may be in the middle of one. Whoever takes a lease later finds them gone. Then their entries are lost on the
/// medium, and only then the holes are punched. While that goes on nobody writes the chunks.</para>
/// <para>A crash before the entries are on the medium: the chunks are here. After it: they are lost, their bytes are
/// still in the file, and go when the next run opens it.</para>
/// </summary>
internal sealed class VersionPunch(VersionFile version, VersionMap map, DiskFile data)
{
    /// <summary>Chunks that go at once: 1 GiB.</summary>
    private const int ChunksMost = 128;

    private int _from = int.MaxValue;
    private int _to = int.MaxValue;

    /// <summary>Whether a chunk is on its way out and must not be written now.</summary>
    public bool IsLeaving(int chunk) => chunk >= Volatile.Read(ref _from) && chunk <= Volatile.Read(ref _to);

    /// <summary>Gives back about so many bytes; null if somebody else holds the version.</summary>
    public long? TryRun(long bytes)
    {
        if (MapLayout.IsInline(version.SizeBytes))
            return 0;
        var last = version.ChunkCount - 1;
        while (last >= 0 && !version.Has(last))
            last--;
        var first = last + 1;
        for (long found = 0; first > 0 && found < bytes && last - first + 1 < ChunksMost; first--)
            found += version.Has(first - 1) ? Geometry.ChunkLength(version.SizeBytes, first - 1) : 0;
        if (first > last)
            return 0;
        Volatile.Write(ref _from, first);
        Volatile.Write(ref _to, last);
        try
        {
            return Run(first, last);
        }
        finally
        {
            Volatile.Write(ref _from, int.MaxValue);
            Volatile.Write(ref _to, int.MaxValue);
        }
    }

    /// <summary>
    /// Gives back what the file holds of chunks that are not here, as a crash within a punch or a write leaves it.
    /// Before anybody else sees the version. On a thread of the disk.
    /// </summary>
    public void Reclaim()
    {
        if (MapLayout.IsInline(version.SizeBytes) || version.IsSealed)
            return;
        long known = Geometry.BlockBytes;
        for (var chunk = 0; chunk < version.ChunkCount; chunk++)
            known += IsEmpty(chunk) ? 0 : Geometry.ChunkLength(version.SizeBytes, chunk);
        if (data.AllocatedBytes <= known)
            return;
        for (var first = 0; first < version.ChunkCount; first++)
        {
            var end = first;
            while (end < version.ChunkCount && IsEmpty(end))
                end++;
            if (end > first)
                TryPunch(first, end);
            first = end;
        }
    }

    /// <summary>Gives back what a failed write of a chunk left. By its writer.</summary>
    public void Reclaim(int chunk)
    {
        if (!MapLayout.IsInline(version.SizeBytes) && !version.IsSealed && IsEmpty(chunk))
            TryPunch(chunk, chunk + 1);
    }

    private bool IsEmpty(int chunk) => !version.Has(chunk) && !map.IsDamaged(chunk);

    private void TryPunch(int first, int end)
    {
        try
        {
            DiskQueue.NoteProgress();
            data.Punch(Geometry.ChunkOffset(first), Math.Min(Geometry.ChunkOffset(end), version.SizeBytes));
        }
        catch (IOException)
        {
            return; // the room comes back when the chunks are written, or with the file
        }
    }

    private long? Run(int first, int last)
    {
        var taken = new List<(int Chunk, ChunkState State, long Generation)>();
        for (var chunk = first; chunk <= last; chunk++)
        {
            var (state, generation) = map.Look(chunk);
            if (state != ChunkState.Absent && map.Lose(chunk, generation, isRepairable: false) == state)
                taken.Add((chunk, state, generation));
        }

        if (!version.Leases.IsSole || version.IsSealed)
        {
            foreach (var (chunk, state, generation) in taken)
                map.Restore(chunk, generation + 1, state);
            return null;
        }

        long bytes = 0;
        foreach (var (chunk, _, _) in taken)
            bytes += Geometry.ChunkLength(version.SizeBytes, chunk);
        for (var chunk = first; chunk <= last; chunk++)
        {
            if (!map.IsDamaged(chunk) && !taken.Exists(one => one.Chunk == chunk))
                continue;
            version.ForgetChecks(chunk);
            map.ForgetDamage(chunk);
            map.WriteLoss(chunk, version.Disk.BootTag);
        }

        map.File.Sync();
        data.Punch(Geometry.ChunkOffset(first), Math.Min(Geometry.ChunkOffset(last + 1), version.SizeBytes));
        return bytes;
    }
}
