using Thaw.Core.Chunks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// How chunks of one version get lost: counted, taken out of the accounts, entered in the map. On threads of the disk.
/// </summary>
internal sealed class VersionLosses(VersionFile version, VersionMap map, CheckedBlocks checks)
{
    /// <summary>
    /// The list of a chunk; null when the chunk is not here and not damaged either, or, which makes it lost, when its
    /// list does not check.
    /// </summary>
    public uint[]? TryLoadBlockCrcs(int chunk)
    {
        var (state, generation) = map.Look(chunk);
        if (state == ChunkState.Absent && !map.IsDamaged(chunk))
            return null;
        try
        {
            if (map.LoadBlockCrcs(chunk) is { } crcs)
                return crcs;
        }
        catch (IOException error)
        {
            if (version.Disk.ReportReadFailure(version.Id, error))
                return null;
        }

        map.ForgetDamage(chunk);
        Count(Forget(chunk, generation, damage: null));
        return null;
    }

    /// <summary>What a block that is not a hit means for its chunk: a miss means nothing, a bad one loses it.</summary>
    public ReadOutcome Fail(int chunk, long generation, ReadOutcome end, uint badBlocks)
    {
        if (end.Kind == ReadKind.Bad)
            Count(Forget(chunk, generation, badBlocks));
        return end;
    }

    public void Count(ChunkState was)
    {
        if (was == ChunkState.Suspect)
            version.Disk.Counters.AddLost();
        else if (was != ChunkState.Absent)
            version.Disk.Counters.AddCorrupt();
    }

    /// <summary>
    /// Enters a chunk as lost if it is still the one that was seen; returns what it was.
    /// </summary>
    /// <param name="chunk">The chunk.</param>
    /// <param name="generation">As it was seen.</param>
    /// <param name="damage">Blocks that are bad for certain, the others are to be checked; null: none is to be
    /// trusted.</param>
    public ChunkState Forget(int chunk, long generation, uint? damage)
    {
        var was = map.Lose(chunk, generation, damage is not null, damage ?? 0);
        if (was == ChunkState.Absent)
            return was;
        if (!version.IsDropped)
            version.Disk.Space.Add(version.Id, -Geometry.ChunkLength(version.SizeBytes, chunk));
        checks.Forget(chunk);
        try
        {
            map.WriteLoss(chunk, version.Disk.BootTag);
        }
        catch (IOException error)
        {
            version.Disk.ReportWriteFailure(version.Id, error);
        }

        return was;
    }
}
