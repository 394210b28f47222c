using Microsoft.Extensions.Logging;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;

namespace Thaw.Storage;

/// <summary>
/// The face of the room: versions on all cache disks of a node. A version lives on one disk; a new one goes to the
/// next healthy disk, by free capacity. A store without disks keeps nothing and misses everything.
/// <para>A disk that does not answer when the store is opened, or answers with errors, is tried again and again beside
/// the others; what it holds is a miss until then. The disks there are form a snapshot that is swapped whole.</para>
/// </summary>
public sealed class ChunkStore : IAsyncDisposable
{
    private readonly DiskChoice _choice = new();
    private readonly LateDisks _late;
    private volatile DiskStore[] _disks;
    private int _disposed;

    private ChunkStore(DiskStore[] disks, IReadOnlyList<DiskOpening> late, StoreContext context)
    {
        (_disks, Counters) = (disks, context.Counters);
        foreach (var disk in disks)
            disk.Returned = DropTwins;
        Scan = ScanAsync();
        _late = new LateDisks(late, context, AddAsync);
    }

    /// <summary>Counters since start.</summary>
    public StoreCounters Counters { get; }

    /// <summary>Whether anything can be kept.</summary>
    public bool HasDisks => _disks.Length > 0;

    /// <summary>Whether a configured directory is open; its disk does not answer if it is not.</summary>
    public bool IsOpen(string path) => _disks.Any(disk => disk.Root == path);

    /// <summary>Ends when every version is in the accounts; reads do not wait for it.</summary>
    public Task Scan { get; }

    /// <summary>Whether room is being made in the background.</summary>
    internal bool IsMakingRoom => _disks.Any(disk => !disk.Evictor.IsIdle);

    /// <summary>Bytes of whole chunks.</summary>
    public long Bytes => _disks.Sum(disk => disk.Accounts.Bytes);

    /// <summary>Most bytes.</summary>
    public long Capacity => _disks.Sum(disk => disk.Space.Capacity);

    /// <summary>Versions of which something is here.</summary>
    public int Versions => _disks.Sum(disk => disk.Accounts.Versions);

    /// <summary>Chunks that are here.</summary>
    public long Chunks => _disks.Sum(disk => disk.Accounts.Chunks);

    /// <summary>Bytes of a version's chunks on this node, without opening it; 0 before the scan has seen it.</summary>
    public long PresentBytesOf(ContentId id) => _disks.Sum(disk => disk.Accounts.BytesOf(id));

    /// <summary>Each disk's path, bytes, capacity and state.</summary>
    public IEnumerable<(string Path, long Bytes, long Capacity, DiskState State)> Disks =>
        _disks.Select(disk => (disk.Root, disk.Accounts.Bytes, disk.Space.Capacity, disk.Health.State))
            .Concat(_late.Paths.Select(path => (path, 0L, 0L, DiskState.Failing)));

    /// <summary>
    /// Takes the cache directories. Throws an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>
    /// whose message says what to do when one is not to be used like this, or when no disk works.
    /// </summary>
    /// <param name="disks">Directories, made if missing.</param>
    /// <param name="rules">What is pinned, expires or has a quota.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="clock">Clock.</param>
    public static ChunkStore Open(
        IEnumerable<DiskOptions> disks, IKeepRules rules, ILogger logger, TimeProvider clock) =>
        Open(disks, new StoreContext(
            logger, clock, new StoreCounters(), new FileSystem(), id => rules.Of(id).IsPinned, null)
        { Rules = rules });

    /// <summary>As above, for who knows pins and nothing else.</summary>
    public static ChunkStore Open(
        IEnumerable<DiskOptions> disks, Func<ContentId, bool> isPinned, ILogger logger, TimeProvider clock) =>
        Open(disks, new PinRules(isPinned), logger, clock);

    internal static ChunkStore Open(IEnumerable<DiskOptions> disks, StoreContext context)
    {
        DiskOpening[] openings = [.. disks.Select(disk => new DiskOpening(disk, context))];
        foreach (var opening in openings)
            opening.Begin();
        var started = TimeProvider.System.GetTimestamp();
        foreach (var opening in openings)
            opening.Join(context.Thresholds.Stuck - TimeProvider.System.GetElapsedTime(started));
        // Without any disk there is nothing to go on with: a slow one is waited for longer.
        foreach (var opening in openings)
            if (openings.All(one => one.Opened is null))
                opening.Join(context.Thresholds.StuckSync - TimeProvider.System.GetElapsedTime(started));
        foreach (var opening in openings)
            if (opening.IsRefused)
                throw opening.Error!;
        // One look at each, since a try may end meanwhile: a disk is either opened or late.
        var looks = openings.ToLookup(opening => opening.Opened);
        DiskStore[] opened = [.. looks.Select(look => look.Key).OfType<DiskStore>()];
        DiskOpening[] late = [.. looks[null]];
        if (late.Length > 0 && opened.Length == 0)
            throw late[0].Error ?? new IOException(
                $"The disk of {late[0].Path} does not answer; look after it, or take it out of cache.disks.");
        return new ChunkStore(opened, late, context);
    }

    /// <summary>
    /// A lease on a version that is open now, from memory; null says nothing of those that are not open.
    /// </summary>
    public VersionLease? TryLeaseOpen(ContentId id)
    {
        foreach (var disk in _disks)
            if (disk.TryLeaseOpen(id) is { } lease)
                return lease;
        return null;
    }

    /// <summary>
    /// A lease on a version that is open now and has a chunk: of two copies, while a disk fails, the one that does.
    /// </summary>
    public VersionLease? TryLeaseOpen(ContentId id, int chunk)
    {
        foreach (var disk in _disks)
            if (disk.Has(id, chunk) && disk.TryLeaseOpen(id) is { } lease)
                return lease;
        return null;
    }

    /// <summary>
    /// A lease on a version of which something is here, or null. Completes synchronously when the version is open, or
    /// is known not to be here. A disk that does not answer is a miss.
    /// </summary>
    public async ValueTask<VersionLease?> LeaseAsync(ContentId id, CancellationToken cancellationToken)
    {
        // A version may be twice while a disk is failing: the copy that can be written goes first.
        foreach (var disk in InOrder())
            if (await disk.LeaseAsync(id, cancellationToken).ConfigureAwait(false) is { } lease)
                return lease;
        return null;
    }

    /// <summary>
    /// Whether a chunk is in a version that somebody holds, from memory; no use of the version. For versions that
    /// nobody holds, false says nothing.
    /// </summary>
    public bool Has(ContentId id, int chunk)
    {
        foreach (var disk in _disks)
            if (disk.Has(id, chunk))
                return true;
        return false;
    }

    /// <summary>A lease on a version, made on a disk if it is nowhere yet.</summary>
    public async ValueTask<Result<VersionLease>> LeaseOrCreateAsync(
        ObjectVersion version, CancellationToken cancellationToken)
    {
        if (_disks.Length == 0)
            return new Failure(FailureKind.DiskFull, "This node has no cache disk; add one under cache.disks.");
        if (await LeaseAsync(version.Id, cancellationToken).ConfigureAwait(false) is { } lease)
        {
            if (lease.Version.SizeBytes != version.SizeBytes)
            {
                lease.Dispose();
                return new Failure(FailureKind.OriginProtocol,
                    $"The origin gives {version.SizeBytes} bytes for what is cached with another size under the same "
                    + "sum.");
            }

            if (lease.Version.IsComplete || lease.Version.Disk.Health.CanWrite)
                return lease;
            // Its disk takes no more; what is missing needs a file elsewhere.
            lease.Dispose();
        }

        var placement = _choice.Take(version.Id, _disks);
        try
        {
            // Whoever placed it a moment ago may be done by now.
            foreach (var other in _disks)
                if (other.Health.CanWrite && other.TryLeaseOpen(version.Id) is { } made)
                    return made;
            return placement.Disk is { } disk
                ? await disk.LeaseOrCreateAsync(version, cancellationToken).ConfigureAwait(false)
                : new Failure(FailureKind.DiskFailed, "No cache disk takes writes now; see thaw doctor.");
        }
        finally
        {
            _choice.Leave(placement);
        }
    }

    /// <summary>
    /// Keeps a whole chunk of a leased version; every block has its CRC. A failure means that the chunk is not kept and
    /// nothing else.
    /// </summary>
    /// <param name="lease">The version.</param>
    /// <param name="write">The chunk. Its bytes must stay as they are until <paramref name="ended"/>.</param>
    /// <param name="ended">
    /// Called once when the bytes are not needed any more; while a disk is stuck that may be long after the task.
    /// </param>
    public Task<Result<bool>> WriteChunkAsync(VersionLease lease, ChunkWrite write, Action? ended = null) =>
        lease.Version.Disk.WriteChunkAsync(lease.Version, write, ended);

    /// <summary>
    /// Enters how far a complete version is known to be the origin's; false if the map cannot be written.
    /// </summary>
    /// <param name="lease">The version.</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="crc32C">CRC-32C of the whole, if known.</param>
    public Task<bool> WriteVerdictAsync(VersionLease lease, Verdict verdict, uint? crc32C) =>
        lease.Version.Disk.WriteVerdictAsync(lease.Version, verdict, crc32C);

    /// <summary>
    /// Seals a version before it is handed to the kernel (<see cref="VersionSeal"/>); false if it is not whole, does
    /// not check, or its map cannot be written.
    /// </summary>
    public Task<bool> SealAsync(VersionLease lease, CancellationToken cancellationToken) =>
        VersionSeal.ApplyAsync(lease.Version, cancellationToken);

    /// <summary>
    /// Whether a chunk that came from elsewhere is to be kept: there is room, or something colder can go for it.
    /// </summary>
    public bool IsWorth(ObjectVersion version, long bytes, KeepWish wish)
    {
        foreach (var disk in _disks)
            if (disk.Accounts.Contains(version.Id))
                return disk.Space.IsWorth(version.Id, bytes, wish);
        return _disks.Any(disk => disk.Space.IsWorth(version.Id, bytes, wish));
    }

    /// <summary>
    /// A reader got bytes of a version, from here or elsewhere: what warmth is made of. An open that the kernel serves
    /// counts as all of it.
    /// </summary>
    public void NoteRead(ContentId id, long sizeBytes, long bytes)
    {
        // By hand, since a reader says this for every chunk: a query would allocate.
        DiskStore? home = null;
        foreach (var disk in _disks)
            if (home is null && disk.Accounts.Contains(id))
                home = disk;
        foreach (var disk in _disks)
            if (home is null || disk == home)
                disk.Space.NoteRead(id, sizeBytes, bytes);
    }

    /// <summary>
    /// A version took the place of another one under its name, and no other name has the old one: it goes first.
    /// </summary>
    public void NoteReplaced(ContentId old, ContentId @new)
    {
        foreach (var disk in _disks)
            disk.Space.NoteReplaced(old, @new);
    }

    /// <summary>Pins, quotas or what others hold have changed.</summary>
    public void NoteRules()
    {
        foreach (var disk in _disks)
            disk.Space.NoteRules();
    }

    /// <summary>The capacities of a new configuration; disks that it does not name keep theirs.</summary>
    public void SetCapacities(IEnumerable<DiskOptions> disks)
    {
        foreach (var options in disks)
            foreach (var disk in _disks.Where(disk => disk.Root == options.Path && disk.Health.CanRead))
                disk.Evictor.SetCapacity(options.Capacity());
    }

    /// <summary>Unlinks a version; returns the bytes it had. Readers that hold it read on.</summary>
    public async ValueTask<long> DropAsync(ContentId id)
    {
        long bytes = 0;
        foreach (var disk in _disks)
            bytes += await disk.DropAsync(id).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>Makes everything durable now that is written; false if something cannot be.</summary>
    internal async Task<bool> SyncAsync() =>
        (await Task.WhenAll(_disks.Select(disk => disk.SyncAsync())).ConfigureAwait(false)).All(synced => synced);

    /// <summary>Whether someone holds a lease on a version.</summary>
    public bool IsInUse(ContentId id) => _disks.Any(disk => disk.IsInUse(id));

    /// <summary>Ends the I/O threads, makes everything durable and notes the clean stop.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _late.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_disks.Select(disk => disk.DisposeAsync().AsTask())).ConfigureAwait(false);
        await Scan.ConfigureAwait(false);
    }

    private IEnumerable<DiskStore> InOrder() =>
        _disks.Length == 1 ? _disks : _disks.OrderBy(disk => disk.Health.CanWrite ? 0 : 1);

    /// <summary>A disk that was not there at the start.</summary>
    private async Task AddAsync(DiskStore disk, CancellationToken stopping)
    {
        disk.Returned = DropTwins;
        _disks = [.. _disks, disk];
        await disk.Scan.WaitAsync(stopping).ConfigureAwait(false);
        DropTwins(disk);
    }

    private async Task ScanAsync()
    {
        var disks = _disks;
        await Task.WhenAll(disks.Select(disk => disk.Scan)).ConfigureAwait(false);
        foreach (var disk in disks)
            DropTwins(disk);
    }

    /// <summary>
    /// A disk is back: of each version that was fetched again meanwhile the copy with fewer bytes goes.
    /// </summary>
    private void DropTwins(DiskStore returned)
    {
        foreach (var other in _disks)
        {
            if (other == returned)
                continue;
            foreach (var account in returned.Accounts.All)
                if (other.Accounts.Find(account.Id) is { } twin)
                    (twin.Bytes < account.Bytes ? other : returned).DropLater(account.Id);
        }
    }
}
