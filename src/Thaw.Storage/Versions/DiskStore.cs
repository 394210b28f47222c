using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Format;
using Thaw.Storage.Recovery;

namespace Thaw.Storage.Versions;

/// <summary>
/// One cache disk: its versions, I/O threads, accounts, durability batches and start-up scan.
/// <para>Invariants: a version is open at most once; files are made, dropped and closed under <c>_table</c>'s owner
/// rules (a version with leases is never closed); what is unlinked while it is held counts as used until it is
/// closed.</para>
/// <para>A crash while a version is dropped leaves a data file without a map, which the next scan removes.</para>
/// </summary>
internal sealed class DiskStore : IAsyncDisposable
{
    /// <summary>
    /// Open versions without a lease that stay open: two descriptors each, far below the usual 1,024.
    /// </summary>
    private const int MostIdle = 128;

    private readonly DiskStoreLog _log;
    private readonly ConcurrentDictionary<ContentId, VersionFile> _open = new();
    private readonly ConcurrentDictionary<VersionFile, bool> _unsynced = new();
    private readonly Lock _table = new();
    private readonly RunMarker _marker;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _scan;
    private readonly Task _batches;
    private volatile bool _isScanned;
    private long _unsyncedBytes;

    public DiskStore(DiskOptions options, StoreContext context)
    {
        Root = options.Path;
        (Clock, Counters, Files) = (context.Clock, context.Counters, context.Files);
        _log = new DiskStoreLog(context.Logger);
        Space = new DiskSpace(this, options.CapacityBytes, context.IsPinned, _log);
        _marker = RunMarker.Take(Root, context.BootId ?? RunMarker.CurrentBootId());
        _log.Opened(Root, _marker.Previous);
        Readers = new DiskQueue("disk read", threads: 4, bound: 256);
        Writers = new DiskQueue("disk write", threads: 2, bound: 64);
        Syncers = new DiskQueue("disk sync", threads: 1, bound: 4);
        _scan = Syncers.RunAsync(() => _isScanned = new StartupScan(this, _log).Run(_stopping.Token));
        _batches = RunBatchesAsync();
    }

    public string Root { get; }

    /// <summary>What may be written, and what goes for it.</summary>
    public DiskSpace Space { get; }

    public TimeProvider Clock { get; }

    public StoreCounters Counters { get; }

    public FileSystem Files { get; }

    public Accounts Accounts => Space.Accounts;

    public DiskQueue Readers { get; }

    public DiskQueue Writers { get; }

    public uint BootTag => _marker.BootTag;

    /// <summary>Ends when every version of the disk is in the accounts.</summary>
    public Task Scan => _scan;

    private DiskQueue Syncers { get; }

    public (string Map, string Data) PathsOf(ContentId id)
    {
        var hex = id.ToString();
        var stem = Path.Combine(Root, "versions", hex[..2], hex);
        return (stem + ".map", stem + ".data");
    }

    /// <summary>A lease on a version that is on this disk, or null.</summary>
    public VersionLease? TryLease(ContentId id)
    {
        if (_open.TryGetValue(id, out var open) && open.TryAcquire())
            return Use(open);
        // Once the scan is done the accounts know every version, and a miss costs no call to the disk.
        if (_isScanned && !Accounts.Contains(id))
            return null;
        lock (_table)
        {
            if (_open.TryGetValue(id, out open) && open.TryAcquire())
                return Use(open);
            var version = OpenFiles(id, out _);
            return version is null ? null : Register(version);
        }
    }

    /// <summary>Whether a chunk is here; no use of the version.</summary>
    public bool Has(ContentId id, int chunk)
    {
        if (_open.TryGetValue(id, out var open))
            return chunk < open.ChunkCount && open.Has(chunk);
        using var lease = TryLease(id);
        return lease is not null && chunk < lease.Version.ChunkCount && lease.Version.Has(chunk);
    }

    /// <summary>A lease on a version, made if it is not here yet; never over files that cannot be read now.</summary>
    public Result<VersionLease> LeaseOrCreate(ObjectVersion version)
    {
        if (TryLease(version.Id) is { } lease)
            return lease;
        try
        {
            lock (_table)
            {
                if (_open.TryGetValue(version.Id, out var open) && open.TryAcquire())
                    return Use(open);
                if (OpenFiles(version.Id, out var problem) is { } opened)
                    return Register(opened);
                if (problem == MapProblem.NewerFormat)
                    return new Failure(
                        FailureKind.DiskFailed,
                        $"{Root} holds this version in a newer format; use the newer Thaw or another directory.");
                if (problem == MapProblem.Unreadable)
                    return new Failure(
                        FailureKind.DiskFailed, $"{Root} holds this version but it cannot be read now.");
                return Register(VersionFiles.Create(this, version));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Counters.AddFailedWrite();
            _log.CannotWrite(version.Id, Root, error);
            return Refused(error);
        }
    }

    /// <summary>
    /// Keeps a whole chunk. Waits for a writer thread; the bytes must stay as they are until the task ends.
    /// </summary>
    public async Task<Result<bool>> WriteChunkAsync(
        VersionFile version, int chunk, ReadOnlyMemory<byte> bytes, uint[] blockCrcs, ulong? crc64)
    {
        await _scan.ConfigureAwait(false);
        return await Writers.RunAsync(() => Write(version, chunk, bytes, blockCrcs, crc64)).ConfigureAwait(false);
    }

    /// <summary>Enters a verdict in a version's map.</summary>
    public Task<bool> WriteVerdictAsync(VersionFile version, Verdict verdict, uint? crc32C) => Writers.RunAsync(() =>
    {
        try
        {
            version.WriteVerdict(verdict, crc32C);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            ReportWriteFailure(version.Id, error);
            return false;
        }
    });

    /// <summary>Unlinks a version whole; returns the bytes it had. Readers that hold it go on.</summary>
    public long Drop(ContentId id)
    {
        lock (_table)
        {
            if (_open.TryRemove(id, out var open))
            {
                open.MarkDropped();
                _unsynced.TryRemove(open, out _);
                open.HeldBytes = open.PresentBytes;
                Space.HoldUnlinked(open.HeldBytes);
                if (open.TryClose())
                    Space.LetUnlinkedGo(open.HeldBytes);
            }

            var paths = PathsOf(id);
            try
            {
                Files.Delete(paths.Map);
                Files.Delete(paths.Data);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                _log.CannotWrite(id, Root, error);
            }

            return Accounts.Remove(id);
        }
    }

    /// <summary>Removes a data file that has no map, unless the version is open.</summary>
    public bool RemoveOrphan(ContentId id)
    {
        lock (_table)
        {
            var paths = PathsOf(id);
            if (_open.ContainsKey(id) || Files.Exists(paths.Map))
                return false;
            Files.Delete(paths.Data);
            return true;
        }
    }

    public bool IsInUse(ContentId id) => _open.TryGetValue(id, out var open) && open.IsInUse;

    public void ReportWriteFailure(ContentId id, Exception error) => _log.CannotWrite(id, Root, error);

    public void ReportReadFailure(ContentId id, Exception error) => _log.CannotRead(id, Root, error);

    /// <summary>A map or an entry that does not check: lost with the machine's last stop, or rotten.</summary>
    public void CountDamage()
    {
        if (_marker.Previous == PreviousRun.MachineStopped)
            Counters.AddLost();
        else
            Counters.AddCorrupt();
    }

    /// <summary>Puts a version into the next durability batch.</summary>
    public void NoteUnsynced(VersionFile version, int bytes)
    {
        _unsynced[version] = true;
        Interlocked.Add(ref _unsyncedBytes, bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _batches.ConfigureAwait(false);
        await _scan.ConfigureAwait(false);
        await Writers.DisposeAsync().ConfigureAwait(false);
        var synced = await Syncers.RunAsync(SyncAll).ConfigureAwait(false);
        await Syncers.DisposeAsync().ConfigureAwait(false);
        await Readers.DisposeAsync().ConfigureAwait(false);
        foreach (var (_, version) in _open)
            version.TryClose();
        if (synced)
            _marker.WriteClean();
        _marker.Dispose();
        _stopping.Dispose();
    }

    internal void Released(VersionFile version)
    {
        if (version.Release())
            CloseUnused(version);
    }

    private void CloseUnused(VersionFile version)
    {
        if (version.IsDropped)
        {
            if (version.TryClose())
                Space.LetUnlinkedGo(version.HeldBytes);
        }
        else if (_open.Count > MostIdle)
        {
            CloseIdle();
        }
    }

    private VersionLease Use(VersionFile version)
    {
        Space.NoteUse(version.Id);
        return new VersionLease(version);
    }

    private VersionLease Register(VersionFile version)
    {
        if (!version.TryAcquire())
            throw new InvalidOperationException("A version that was just opened can be leased.");
        Accounts.Enter(version.Id, version.PresentBytes, 0);
        _open[version.Id] = version;
        if (version.Unsynced > 0)
            NoteUnsynced(version, 0);
        return Use(version);
    }

    private VersionFile? OpenFiles(ContentId id, out MapProblem problem)
    {
        var version = VersionFiles.TryOpen(this, id, out problem);
        if (problem is not (MapProblem.Unfinished or MapProblem.Damaged))
            return version;
        if (problem == MapProblem.Damaged)
        {
            _log.Damaged(id, Root);
            CountDamage();
        }

        Drop(id);
        return null;
    }

    private Result<bool> Write(
        VersionFile version, int chunk, ReadOnlyMemory<byte> bytes, uint[] blockCrcs, ulong? crc64)
    {
        if (version.IsDropped)
            return new Failure(FailureKind.DiskFull, "The version was dropped while it was being loaded.");
        if (!version.Admits(chunk, blockCrcs))
        {
            // Someone may still map the old file: it keeps its bytes, and the new ones get a file of their own.
            Drop(version.Id);
            return new Failure(
                FailureKind.Corrupt, "The chunk is not the one that this version's file was sealed with.");
        }

        if (!version.Has(chunk) && !Space.TryReserve(bytes.Length, version.Id))
            return new Failure(
                FailureKind.DiskFull,
                $"The cache on {Root} is full of pinned or open versions; raise its capacity or unpin something.");
        for (var evicted = false; ;)
        {
            try
            {
                var added = version.WriteChunk(chunk, bytes.Span, blockCrcs, crc64);
                if (!version.IsDropped)
                    Accounts.Add(version.Id, added);
                NoteUnsynced(version, bytes.Length);
                return true;
            }
            catch (IOException full) when (Native.IsFull(full) && !evicted && Space.TryEvict(bytes.Length, version.Id))
            {
                // Others fill this disk too; what was used longest ago makes room once.
                evicted = true;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Counters.AddFailedWrite();
                _log.CannotWrite(version.Id, Root, error);
                return Refused(error);
            }
        }
    }

    private void CloseIdle()
    {
        lock (_table)
        {
            foreach (var (id, version) in _open)
            {
                if (_open.Count <= MostIdle / 2)
                    break;
                if (_unsynced.ContainsKey(version) || !version.TryClose())
                    continue;
                _open.TryRemove(id, out _);
            }
        }
    }

    private async Task RunBatchesAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), Clock);
        var last = Clock.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                if (Volatile.Read(ref _unsyncedBytes) < Limits.DurableBatchBytes
                    && Clock.GetElapsedTime(last) < Limits.DurableBatchTime)
                    continue;
                last = Clock.GetTimestamp();
                await Syncers.RunAsync(SyncAll, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The last batch is made when the store is disposed.
            return;
        }
    }

    private bool SyncAll()
    {
        Interlocked.Exchange(ref _unsyncedBytes, 0);
        var all = true;
        foreach (var (version, _) in _unsynced)
        {
            // A chunk that is written from here on puts the version back.
            _unsynced.TryRemove(version, out _);
            if (!version.TryAcquireForSync())
                continue;
            try
            {
                version.SyncWritten();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                all = false;
                _log.CannotSync(version.Id, Root, error);
            }
            finally
            {
                if (version.ReleaseFromSync())
                    CloseUnused(version);
            }
        }

        return all;
    }

    private Failure Refused(Exception error) => error is IOException full && Native.IsFull(full)
        ? new Failure(FailureKind.DiskFull, $"The disk of {Root} is full; give it room or lower its capacity.")
        : new Failure(FailureKind.DiskFailed, $"The disk of {Root} cannot be written: {error.Message}");
}
