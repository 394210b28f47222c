using Thaw.Core.Chunks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>Checks chunks of one version as they are on the medium, past the page cache.</summary>
internal sealed class VersionScrub(VersionFile version, VersionMap map, VersionBytes bytes, VersionLosses losses)
{
    /// <summary>
    /// Checks a chunk; returns the bytes read. A bad block loses the chunk. On a thread of the disk.
    /// </summary>
    public int Run(int chunk)
    {
        var (state, generation) = map.Look(chunk);
        if (state is not (ChunkState.Written or ChunkState.Durable) || losses.TryLoadBlockCrcs(chunk) is not { } crcs)
            return 0;
        var disk = version.Disk;
        try
        {
            using var direct = MapLayout.IsInline(version.SizeBytes)
                ? null : disk.Files.TryOpenDirect(disk.PathsOf(version.Id).Data);
            using var scratch = BlockScratch.Rent();
            var (length, bad) = (Geometry.ChunkLength(version.SizeBytes, chunk), 0u);
            for (var index = 0; index < Geometry.BlockCount(length); index++)
            {
                var end = bytes.ReadBlock(chunk, index, crcs, scratch.Span, direct);
                if (end.Kind == ReadKind.Miss)
                    return 0;
                bad |= end.Kind == ReadKind.Bad ? 1u << index : 0;
            }

            // The name may be that of another file by now.
            if (bad != 0 && !version.IsDropped)
                losses.Count(losses.Forget(chunk, generation, bad));
            return length;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            disk.ReportReadFailure(version.Id, error);
            return 0;
        }
    }
}
