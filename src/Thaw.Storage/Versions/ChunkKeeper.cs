using Thaw.Core.Failures;
using Thaw.Storage.Disks;

namespace Thaw.Storage.Versions;

/// <summary>
/// Writes chunks of one disk: takes room for each first, and gives the promise back when it is written or refused.
/// On the disk's writer threads.
/// </summary>
internal sealed class ChunkKeeper(DiskStore disk, DiskFailures failures)
{
    /// <summary>Keeps a chunk of a version that the caller holds.</summary>
    public Result<bool> Write(VersionFile version, ChunkWrite write)
    {
        if (version.IsDropped)
            return DiskFailures.Dropped;
        if (!version.Admits(write.Chunk, write.BlockCrcs))
        {
            // Someone may still map the old file: it keeps its bytes, and the new ones get a file of their own.
            disk.Drop(version.Id);
            return DiskFailures.SealedWithOther;
        }

        // Also for a chunk that is here: it may be lost to rot before it is written anew.
        var reserved = write.Bytes.Length;
        if (version.Punch.IsLeaving(write.Chunk) || !disk.Evictor.TryReserve(version.Id, reserved))
            return failures.Full;
        try
        {
            return WriteReserved(version, write);
        }
        finally
        {
            disk.Space.Unreserve(version.Id, reserved);
        }
    }

    private Result<bool> WriteReserved(VersionFile version, ChunkWrite write)
    {
        for (var evicted = false; ;)
        {
            try
            {
                var added = version.WriteChunk(write);
                if (!version.IsDropped)
                    disk.Space.Add(version.Id, added);
                disk.NoteUnsynced(version, write.Bytes.Length);
                disk.Health.NoteWritten();
                return true;
            }
            catch (IOException full) when (
                Native.IsFull(full) && !evicted && disk.Evictor.TryMakeRoom(write.Bytes.Length))
            {
                // Others fill this disk too; the coldest makes room once.
                evicted = true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                version.Punch.Reclaim(write.Chunk);
                disk.Counters.AddFailedWrite();
                disk.ReportWriteFailure(version.Id, error);
                return failures.Refused(error);
            }
        }
    }
}
