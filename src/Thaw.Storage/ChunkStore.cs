using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;

namespace Thaw.Storage;

/// <summary>
/// The face of the room: versions on all cache disks of a node. A version lives on one disk; a new one goes to the disk
/// with the most free capacity. A store without disks keeps nothing and misses everything.
/// </summary>
public sealed class ChunkStore : IAsyncDisposable
{
    private readonly ImmutableArray<DiskStore> _disks;

    private ChunkStore(ImmutableArray<DiskStore> disks, StoreCounters counters) =>
        (_disks, Counters) = (disks, counters);

    /// <summary>Counters since start.</summary>
    public StoreCounters Counters { get; }

    /// <summary>Whether anything can be kept.</summary>
    public bool HasDisks => _disks.Length > 0;

    /// <summary>Ends when every version is in the accounts; reads do not wait for it.</summary>
    public Task Scan => Task.WhenAll(_disks.Select(disk => disk.Scan));

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

    /// <summary>Each disk's path, bytes and capacity.</summary>
    public IEnumerable<(string Path, long Bytes, long Capacity)> Disks =>
        _disks.Select(disk => (disk.Root, disk.Accounts.Bytes, disk.Space.Capacity));

    /// <summary>
    /// Takes the cache directories. Throws an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>
    /// whose message says what to do when one cannot be used.
    /// </summary>
    /// <param name="disks">Directories, made if missing.</param>
    /// <param name="isPinned">Whether a version must not be evicted.</param>
    /// <param name="logger">Where to log.</param>
    /// <param name="clock">Clock.</param>
    public static ChunkStore Open(
        IEnumerable<DiskOptions> disks, Func<ContentId, bool> isPinned, ILogger logger, TimeProvider clock) =>
        Open(disks, new StoreContext(logger, clock, new StoreCounters(), new FileSystem(), isPinned, null));

    internal static ChunkStore Open(IEnumerable<DiskOptions> disks, StoreContext context) =>
        new([.. disks.Select(disk => new DiskStore(disk, context))], context.Counters);

    /// <summary>A lease on a version of which something is here, or null.</summary>
    public VersionLease? TryLease(ContentId id)
    {
        foreach (var disk in _disks)
            if (disk.TryLease(id) is { } lease)
                return lease;
        return null;
    }

    /// <summary>Whether a chunk is here; this is no use of the version.</summary>
    public bool Has(ContentId id, int chunk)
    {
        foreach (var disk in _disks)
            if (disk.Has(id, chunk))
                return true;
        return false;
    }

    /// <summary>A lease on a version, made on a disk if it is nowhere yet.</summary>
    public Result<VersionLease> LeaseOrCreate(ObjectVersion version)
    {
        if (TryLease(version.Id) is { } lease)
        {
            if (lease.Version.SizeBytes == version.SizeBytes)
                return lease;
            lease.Dispose();
            return new Failure(
                FailureKind.OriginProtocol,
                $"The origin gives {version.SizeBytes} bytes for what is cached with another size under the same sum.");
        }

        if (_disks.IsEmpty)
            return new Failure(FailureKind.DiskFull, "This node has no cache disk; add one under cache.disks.");
        var disk = _disks.MaxBy(candidate => candidate.Space.Capacity - candidate.Space.UsedBytes)!;
        return disk.LeaseOrCreate(version);
    }

    /// <summary>
    /// Keeps a whole chunk of a leased version; every block has its CRC. The bytes must stay as they are until the task
    /// ends. A failure means that the chunk is not kept and nothing else.
    /// </summary>
    /// <param name="lease">The version.</param>
    /// <param name="chunk">Index of the chunk.</param>
    /// <param name="bytes">All its bytes.</param>
    /// <param name="blockCrcs">32 CRC-32Cs, those behind the chunk's last block 0. Kept by the store.</param>
    /// <param name="crc64">CRC-64/NVME of the chunk, where the origin's sum is of that kind.</param>
    public Task<Result<bool>> WriteChunkAsync(
        VersionLease lease, int chunk, ReadOnlyMemory<byte> bytes, uint[] blockCrcs, ulong? crc64 = null) =>
        lease.Version.Disk.WriteChunkAsync(lease.Version, chunk, bytes, blockCrcs, crc64);

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

    /// <summary>Unlinks a version; returns the bytes it had. Readers that hold it read on.</summary>
    public long Drop(ContentId id) => _disks.Sum(disk => disk.Drop(id));

    /// <summary>Whether someone holds a lease on a version.</summary>
    public bool IsInUse(ContentId id) => _disks.Any(disk => disk.IsInUse(id));

    /// <summary>Ends the I/O threads, makes everything durable and notes the clean stop.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_disks.Select(disk => disk.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
