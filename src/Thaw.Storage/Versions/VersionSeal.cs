namespace Thaw.Storage.Versions;

/// <summary>
/// Makes a version fit to be handed to the kernel: whole, every chunk trusted, and the seal durable in its map before
/// the answer. From then on its file is only unlinked, never punched, truncated or rewritten with other bytes, in this
/// run or any later one: mappings of it outlive descriptors, and nobody can see them.
/// <para>A crash before the seal is on the medium: nobody was given the file yet. After it: the next run finds the seal
/// and keeps to it.</para>
/// </summary>
internal static class VersionSeal
{
    /// <summary>
    /// Seals a leased version; false if it is not whole, a chunk of it does not check, or the map cannot be written.
    /// Chunks from before an unclean boot are checked first, one after the other on the disk's reader threads.
    /// </summary>
    public static async Task<bool> ApplyAsync(VersionFile version, CancellationToken cancellationToken)
    {
        var disk = version.Disk;
        for (var chunk = 0; chunk < version.ChunkCount; chunk++)
        {
            if (version.IsTrusted(chunk))
                continue;
            var present = chunk;
            if (!await disk.Readers.RunAsync(() => version.TryTrust(present), cancellationToken).ConfigureAwait(false))
                return false;
        }

        return await disk.Writers.RunAsync(() => TryWrite(version), cancellationToken).ConfigureAwait(false);
    }

    private static bool TryWrite(VersionFile version)
    {
        try
        {
            return version.Seal();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            version.Disk.ReportWriteFailure(version.Id, error);
            return false;
        }
    }
}
