using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Recovery;

/// <summary>
/// Feeds the accounts after a start: one small read for each version. Removes what a crash left: data without a map,
/// maps that were never finished. Files of a newer format, and files it does not know, are left alone. Versions can be
/// served before and during the scan.
/// </summary>
internal sealed class StartupScan(DiskStore disk, DiskStoreLog log)
{
    private int _removed;

    public bool Run(CancellationToken stopping)
    {
        try
        {
            foreach (var folder in disk.Files.List(Path.Combine(disk.Root, "versions")))
            {
                foreach (var path in disk.Files.List(folder))
                {
                    if (stopping.IsCancellationRequested)
                        return false;
                    DiskQueue.NoteProgress();
                    TryVisit(path);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            disk.Space.EndScan();
            log.ScanFailed(disk.Root, error);
            return false;
        }

        disk.Space.EndScan();
        log.Scanned(disk.Root, disk.Accounts.Versions, disk.Accounts.Bytes, _removed);
        return true;
    }

    /// <summary>One bad file costs itself, not the rest of the scan.</summary>
    private void TryVisit(string path)
    {
        try
        {
            Visit(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.ScanSkipped(path, error);
        }
    }

    private void Visit(string path)
    {
        if (!ContentId.TryParse(Path.GetFileNameWithoutExtension(path), out var id) || disk.Accounts.Contains(id))
            return;
        switch (Path.GetExtension(path))
        {
            case ".map":
                Enter(path, id);
                break;
            case ".data" when !disk.Files.Exists(disk.PathsOf(id).Map):
                // A version's data file is made before its map: this one may be in the making right now.
                if (!disk.RemoveOrphan(id))
                    break;
                _removed++;
                break;
            default:
                break;
        }
    }

    private void Enter(string path, ContentId id)
    {
        // Through the table, so that the scan and a first reader never open the same files twice.
        using var lease = disk.LeaseNow(id);
        if (lease is null)
        {
            _removed += disk.Files.Exists(path) ? 0 : 1;
            return;
        }

        disk.Space.NoteWritten(id, disk.Files.LastWritten(path).ToUnixTimeMilliseconds());
    }
}
