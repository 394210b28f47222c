using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Storage.Disks;

namespace Thaw.Storage.Versions;

/// <summary>
/// Makes what is written on one disk durable, in batches: every 5 s, after 1 GiB or 1,024 versions. Any thread notes a
/// version; the disk's sync thread makes the batches.
/// <para>A crash before a batch's end leaves chunks that are entered and not durable: after the end of the process they
/// count, after that of the machine they are checked first.</para>
/// </summary>
internal sealed class DurableBatches : IAsyncDisposable
{
    private readonly DiskStore _disk;
    private readonly DiskQueue _syncers;
    private readonly DiskStoreLog _log;
    private readonly ConcurrentDictionary<VersionFile, bool> _unsynced = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private long _unsyncedBytes;

    public DurableBatches(DiskStore disk, DiskQueue syncers, DiskStoreLog log)
    {
        (_disk, _syncers, _log) = (disk, syncers, log);
        _running = RunAsync();
    }

    /// <summary>Puts a version into the next batch.</summary>
    public void Note(VersionFile version, int bytes)
    {
        _unsynced[version] = true;
        Interlocked.Add(ref _unsyncedBytes, bytes);
    }

    public bool Contains(VersionFile version) => _unsynced.ContainsKey(version);

    public void Forget(VersionFile version) => _unsynced.TryRemove(version, out _);

    /// <summary>Makes a batch of all that is noted; false if something could not be made durable.</summary>
    public bool SyncAll()
    {
        Interlocked.Exchange(ref _unsyncedBytes, 0);
        var all = true;
        foreach (var (version, _) in _unsynced)
        {
            // A chunk that is written from here on puts the version back.
            _unsynced.TryRemove(version, out _);
            if (!version.Leases.TryAcquireForSync())
                continue;
            try
            {
                DiskQueue.NoteProgress();
                version.SyncWritten();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                all = false;
                _log.CannotSync(version.Id, _disk.Root, error);
                _disk.Health.NoteFailedWrite(error);
            }
            finally
            {
                if (version.Leases.ReleaseFromSync())
                    _disk.CloseUnused(version);
            }
        }

        return all;
    }

    /// <summary>Makes no further batches; the last one is made by who closes the disk.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _disk.Clock);
        var last = _disk.Clock.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (Volatile.Read(ref _unsyncedBytes) < Limits.DurableBatchBytes
                    && _unsynced.Count < Limits.DurableBatchVersions
                    && _disk.Clock.GetElapsedTime(last) < Limits.DurableBatchTime)
                    continue;
                last = _disk.Clock.GetTimestamp();
                await _syncers.RunAsync(SyncAll, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the disk is being closed
        }
    }
}
