using System.Collections.Concurrent;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Format;
using Thaw.Storage.Recovery;

namespace Thaw.Storage.Versions;

/// <summary>
/// One cache disk: its versions, I/O threads, accounts, durability batches and start-up scan.
/// <para>Invariants: a version is open at most once; files are opened, made and dropped on the disk's own threads,
/// under the stripe of their id, and closed there; a version with leases is never closed; what is unlinked while it is
/// held counts as used until it is closed.</para>
/// <para>Callers: what says "on a thread of the disk" blocks as long as the disk does. Everything else answers from
/// memory or is a task, and no task waits for a disk that its watch calls stuck. Nobody holds two stripes.</para>
/// <para>A crash while a version is dropped leaves a data file without a map, which the next scan removes. What
/// cannot be unlinked is condemned: it is not served again, and unlinked when the disk is back.</para>
/// </summary>
internal sealed class DiskStore : IAsyncDisposable
{
    /// <summary>
    /// Open versions without a lease that stay open: two descriptors each, far below the usual 1,024.
    /// </summary>
    private const int MostIdle = 128;

    /// <summary>Turns of opening a version that is closed each time before its caller has it.</summary>
    private const int OpenTurns = 4;

    private readonly DiskStoreLog _log;
    private readonly ConcurrentDictionary<ContentId, VersionFile> _open = new();
    private readonly ConcurrentDictionary<ContentId, bool> _condemned = new();
    private readonly Lock[] _stripes = [.. Enumerable.Range(0, 64).Select(_ => new Lock())];
    private readonly DiskFailures _failures;
    private readonly ChunkKeeper _keeper;
    private readonly RunMarker _marker;
    private readonly CancellationTokenSource _stopping = new();
    private readonly DurableBatches _batches;
    private readonly DiskThreads _threads;
    private readonly Scrubber _scrubber;
    private readonly Task _scan;
    private volatile bool _isScanned;
    private int _isClosingIdle;

    public DiskStore(DiskOptions options, StoreContext context)
    {
        Root = options.Path;
        (Clock, Counters, Files) = (context.Clock, context.Counters, context.Files);
        _log = new DiskStoreLog(context.Logger);
        _failures = new DiskFailures(Root);
        _keeper = new ChunkKeeper(this, _failures);
        var rules = context.Rules ?? new PinRules(context.IsPinned);
        Space = new DiskSpace(options.Capacity(), rules, IsInUse);
        _marker = RunMarker.Take(Files, Root, context.BootId ?? RunMarker.CurrentBootId());
        _log.Opened(Root, _marker.Previous);
        _threads = new DiskThreads(context.Thresholds, _marker.Probe, Changed);
        _batches = new DurableBatches(this, _threads.Syncers, _log);
        _scrubber = new Scrubber(this, context.Scrub);
        Evictor = new Evictor(this, _threads.Cleaners, rules, _log);
        _scan = _threads.Scanners.RunAsync(() =>
        {
            Evictor.ReadNotes(_marker.Previous == PreviousRun.Clean);
            return _isScanned = new StartupScan(this, _log).Run(_stopping.Token);
        });
    }

    public string Root { get; }

    /// <summary>What may be written, and what goes for it.</summary>
    public DiskSpace Space { get; }

    /// <summary>Makes room.</summary>
    public Evictor Evictor { get; }

    public TimeProvider Clock { get; }

    public StoreCounters Counters { get; }

    public FileSystem Files { get; }

    public Accounts Accounts => Space.Accounts;

    public DiskHealth Health => _threads.Health;

    public DiskQueue Readers => _threads.Readers;

    public DiskQueue Writers => _threads.Writers;

    public DiskQueue Scanners => _threads.Scanners;

    /// <summary>Told that the disk, which failed or was gone, is usable again; on a thread of the pool.</summary>
    public Action<DiskStore> Returned { get; set; } = static _ => { };

    public uint BootTag => _marker.BootTag;

    /// <summary>Ends when every version of the disk is in the accounts.</summary>
    public Task Scan => _scan;

    public (string Map, string Data) PathsOf(ContentId id)
    {
        var hex = id.ToString();
        var stem = Path.Combine(Root, "versions", hex[..2], hex);
        return (stem + ".map", stem + ".data");
    }

    /// <summary>Whether the version may be here, as far as memory knows.</summary>
    public bool MayHave(ContentId id) =>
        Health.CanRead && !_condemned.ContainsKey(id) && (!_isScanned || Accounts.Contains(id));

    /// <summary>A lease on a version that is open; null says nothing of those that are not.</summary>
    public VersionLease? TryLeaseOpen(ContentId id) =>
        Health.CanRead && _open.TryGetValue(id, out var open) && open.Leases.TryAcquire() ? Use(open) : null;

    /// <summary>
    /// A lease on a version that is on this disk; null if it is not, or cannot be read now. Completes synchronously
    /// when the version is open, or is known not to be here.
    /// </summary>
    /// <param name="id">The version.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="isUse">Whether this is a use that keeps the version from eviction.</param>
    public async ValueTask<VersionLease?> LeaseAsync(
        ContentId id, CancellationToken cancellationToken, bool isUse = true)
    {
        for (var turn = 0; turn < OpenTurns && Health.CanRead; turn++)
        {
            if (_open.TryGetValue(id, out var open) && open.Leases.TryAcquire())
                return isUse ? Use(open) : new VersionLease(open);
            // Once the scan is done the accounts know every version, and a miss costs no call to the disk.
            if (!MayHave(id)
                || !await _threads.Openers.RunAsync(() => Open(id) is not null, cancellationToken)
                    .ConfigureAwait(false))
                return null;
        }

        return null;
    }

    /// <summary>A lease on a version, opened if need be. On a thread of the disk.</summary>
    public VersionLease? LeaseNow(ContentId id)
    {
        for (var turn = 0; turn < OpenTurns; turn++)
        {
            if (Open(id) is not { } version)
                return null;
            if (version.Leases.TryAcquire())
                return new VersionLease(version);
        }

        return null;
    }

    /// <summary>Whether a chunk is in a version that is open; no use of the version.</summary>
    public bool Has(ContentId id, int chunk) =>
        Health.CanRead && _open.TryGetValue(id, out var open) && chunk < open.ChunkCount && open.Has(chunk);

    /// <summary>A lease on a version, made if it is not here yet; never over files that cannot be read now.</summary>
    public async ValueTask<Result<VersionLease>> LeaseOrCreateAsync(
        ObjectVersion version, CancellationToken cancellationToken)
    {
        for (var turn = 0; turn < OpenTurns; turn++)
        {
            if (await LeaseAsync(version.Id, cancellationToken).ConfigureAwait(false) is { } lease)
                return lease;
            if (!Health.CanWrite)
                break;
            var made = await Writers.RunAsync<Result<bool>>(() => Make(version), cancellationToken, _failures.Unusable)
                .ConfigureAwait(false);
            if (made.Failure is { } failure)
                return failure;
        }

        return _failures.Unusable;
    }

    /// <summary>
    /// Keeps a whole chunk. Waits for a writer thread; the bytes must stay as they are until <paramref name="ended"/>,
    /// which a stuck disk calls long after the task has ended.
    /// </summary>
    public async Task<Result<bool>> WriteChunkAsync(VersionFile version, ChunkWrite write, Action? ended)
    {
        if (!Health.CanWrite || !version.Leases.TryAcquire())
        {
            ended?.Invoke();
            return _failures.Unusable;
        }

        return await Writers.RunAsync(
            () => _keeper.Write(version, write), CancellationToken.None, _failures.Unusable, () =>
            {
                Released(version);
                ended?.Invoke();
            }).ConfigureAwait(false);
    }

    /// <summary>Enters a verdict in a version's map.</summary>
    public Task<bool> WriteVerdictAsync(VersionFile version, Verdict verdict, uint? crc32C) => Writers.RunAsync(() =>
    {
        try
        {
            version.WriteVerdict(verdict, crc32C);
            Health.NoteWritten();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            ReportWriteFailure(version.Id, error);
            return false;
        }
    });

    /// <summary>
    /// Unlinks a version whole; returns the bytes it had, 0 if it cannot be unlinked now. Readers that hold it go on.
    /// From the call on nobody is given it any more.
    /// </summary>
    public async ValueTask<long> DropAsync(ContentId id)
    {
        if (!_open.ContainsKey(id) && _isScanned && !Accounts.Contains(id))
            return 0;
        _condemned[id] = true;
        if (TakeOut(id) is { } open)
            CloseDropped(open);
        return await _threads.Cleaners.RunAsync(() => Drop(id)).ConfigureAwait(false);
    }

    public void DropLater(ContentId id) => _threads.Cleaners.Post(() => Drop(id));

    /// <summary>As <see cref="DropAsync"/>. On a thread of the disk.</summary>
    public long Drop(ContentId id)
    {
        lock (StripeOf(id))
        {
            _condemned[id] = true;
            var open = TakeOut(id);
            var paths = PathsOf(id);
            try
            {
                Files.Delete(paths.Map);
                Files.Delete(paths.Data);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                ReportWriteFailure(id, error);
                if (open is not null)
                    CloseDropped(open);
                return 0;
            }

            // Closed here and now: whoever makes room for a write needs the blocks before it goes on.
            if (open is not null && open.Leases.TryRetire())
                CloseRetired(open);
            _condemned.TryRemove(id, out _);
            return Space.Remove(id);
        }
    }

    /// <summary>Removes a data file that has no map, unless the version is open.</summary>
    public bool RemoveOrphan(ContentId id)
    {
        lock (StripeOf(id))
        {
            var paths = PathsOf(id);
            if (_open.ContainsKey(id) || Files.Exists(paths.Map))
                return false;
            Files.Delete(paths.Data);
            return true;
        }
    }

    public bool IsInUse(ContentId id) => _open.TryGetValue(id, out var open) && open.Leases.IsInUse;

    public void ReportWriteFailure(ContentId id, Exception error)
    {
        _log.CannotWrite(id, Root, error);
        Health.NoteFailedWrite(error);
    }

    /// <summary>
    /// A read has failed; returns whether the disk is gone, so that nothing can be said of the bytes. On a thread of
    /// the disk.
    /// </summary>
    public bool ReportReadFailure(ContentId id, Exception error)
    {
        _log.CannotRead(id, Root, error);
        if (!Health.CanRead)
            return true;
        // One sector that cannot be read is repaired by writing it; a disk that takes no writes either has other cares.
        if (_marker.Probe() is (true, true))
            return false;
        Health.NoteLost();
        return true;
    }

    /// <summary>A map or an entry that does not check: lost with the machine's last stop, or rotten.</summary>
    public void CountDamage()
    {
        if (_marker.Previous == PreviousRun.MachineStopped)
            Counters.AddLost();
        else
            Counters.AddCorrupt();
    }

    /// <summary>Puts a version into the next durability batch.</summary>
    public void NoteUnsynced(VersionFile version, int bytes) => _batches.Note(version, bytes);

    /// <summary>Makes a durability batch now; false if something could not be made durable.</summary>
    public Task<bool> SyncAsync() => _threads.Syncers.RunAsync(_batches.SyncAll);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _scrubber.DisposeAsync().ConfigureAwait(false);
        await _scan.ConfigureAwait(false);
        await Evictor.DisposeAsync().ConfigureAwait(false);
        await _batches.DisposeAsync().ConfigureAwait(false);
        await _threads.DisposeAsync(() =>
        {
            var synced = _batches.SyncAll();
            foreach (var (_, version) in _open)
                if (version.Leases.TryRetire())
                    version.Close();
            Evictor.WriteNotes();
            if (synced)
                _marker.WriteClean();
        }).ConfigureAwait(false);
        _marker.Dispose();
        _stopping.Dispose();
    }

    internal void Released(VersionFile version)
    {
        if (version.Leases.Release())
            CloseUnused(version);
    }

    internal void CloseUnused(VersionFile version)
    {
        if (version.IsDropped)
            CloseDropped(version);
        else
            Space.NoteIdle(version.Id);
        if (_open.Count > MostIdle && Interlocked.Exchange(ref _isClosingIdle, 1) == 0)
            _threads.Cleaners.Post(CloseIdle);
    }

    private Lock StripeOf(ContentId id) => _stripes[(uint)id.GetHashCode() % (uint)_stripes.Length];

    private void Changed(DiskState state)
    {
        _log.Changed(Root, state);
        if (!Health.CanWrite)
            return;
        foreach (var (id, _) in _condemned)
            DropLater(id);
        Returned(this);
    }

    // Closing frees an unlinked file's blocks, which may take long and blocks on a frozen file system.
    private void CloseDropped(VersionFile version)
    {
        if (version.Leases.TryRetire())
            _threads.Cleaners.Post(() => CloseRetired(version));
    }

    private void CloseRetired(VersionFile version)
    {
        version.Close();
        Space.LetUnlinkedGo(version.HeldBytes);
    }

    /// <summary>
    /// Takes an open version out of the table: nobody is given it any more, and it counts as held until it is closed.
    /// </summary>
    private VersionFile? TakeOut(ContentId id)
    {
        if (!_open.TryRemove(id, out var open))
            return null;
        open.HeldBytes = open.PresentBytes;
        Space.HoldUnlinked(open.HeldBytes);
        open.MarkDropped();
        _batches.Forget(open);
        return open;
    }

    private VersionLease Use(VersionFile version)
    {
        Space.NoteUse(version.Id, Clock.GetUtcNow().ToUnixTimeMilliseconds());
        return new VersionLease(version);
    }

    private void Register(VersionFile version)
    {
        Space.Enter(version.Id, version.SizeBytes, version.PresentBytes);
        _open[version.Id] = version;
        if (version.Unsynced > 0)
            NoteUnsynced(version, 0);
    }

    /// <summary>The open version, opened if need be; null if it is not here. On a thread of the disk.</summary>
    private VersionFile? Open(ContentId id)
    {
        lock (StripeOf(id))
        {
            if (_open.TryGetValue(id, out var open))
                return open;
            if (_condemned.ContainsKey(id) || OpenFiles(id, out _) is not { } version)
                return null;
            Register(version);
            return version;
        }
    }

    /// <summary>Makes the files of a version that is not here.</summary>
    private Result<bool> Make(ObjectVersion version)
    {
        try
        {
            lock (StripeOf(version.Id))
            {
                if (_open.ContainsKey(version.Id))
                    return true;
                if (_condemned.ContainsKey(version.Id))
                {
                    Drop(version.Id);
                    if (_condemned.ContainsKey(version.Id))
                        return _failures.Unusable;
                }

                if (OpenFiles(version.Id, out var problem) is { } opened)
                    Register(opened);
                else if (problem == MapProblem.NewerFormat)
                    return _failures.NewerFormat;
                else if (problem == MapProblem.Unreadable)
                    return _failures.Unreadable;
                else
                    Register(VersionFiles.Create(this, version));
                return true;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Counters.AddFailedWrite();
            ReportWriteFailure(version.Id, error);
            return _failures.Refused(error);
        }
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

    private void CloseIdle()
    {
        Volatile.Write(ref _isClosingIdle, 0);
        foreach (var (id, version) in _open)
        {
            if (_open.Count <= MostIdle / 2)
                break;
            lock (StripeOf(id))
            {
                if (_batches.Contains(version) || !version.Leases.TryRetire())
                    continue;
                _open.TryRemove(KeyValuePair.Create(id, version));
                version.Close();
            }
        }
    }
}
