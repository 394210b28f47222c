using Microsoft.Win32.SafeHandles;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>Chunks that leave for other nodes without being read here: the receiver checks them.</summary>
public static class VersionSending
{
    /// <summary>
    /// The open file and the place of a chunk's bytes in it, with its block CRCs, with which whoever receives the bytes
    /// compares them. Null when the chunk is not here, or must be checked first since it is from before an unclean
    /// boot. The lease must last until the bytes have been sent.
    /// </summary>
    public static async ValueTask<(SafeFileHandle File, long Offset, uint[] BlockCrcs)?> TryLocateAsync(
        this VersionFile version, int chunk, CancellationToken cancellationToken)
    {
        if (version.StateOf(chunk) is ChunkState.Absent or ChunkState.Suspect)
            return null;
        var crcs = version.TryGetBlockCrcs(chunk)
            ?? await version.GetBlockCrcsAsync(chunk, cancellationToken).ConfigureAwait(false);
        if (crcs is null)
            return null;
        var (file, offset) = version.PlaceOf(chunk);
        return (file, offset, crcs);
    }

    /// <summary>
    /// Checks every block of a chunk: what a node does when another one says that blocks it sent did not check, and
    /// before it sends a chunk from before an unclean boot. A chunk that does not check is lost.
    /// </summary>
    public static Task<bool> CheckAsync(this VersionFile version, int chunk, CancellationToken cancellationToken) =>
        version.Disk.Readers.RunAsync(() => version.CheckOnDisk(chunk), cancellationToken);
}
