using Microsoft.Win32.SafeHandles;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// One version on one disk: a sparse data file with each chunk at its own offset, and its map.
/// <para>Invariants: a chunk's bytes are written before its block CRC list, and that before its entry; bytes leave only
/// after their blocks were checked; what a failed sync may have lost is dropped, even if it was written
/// meanwhile.</para>
/// <para>Callers: any thread reads; each chunk has at most one writer at a time (the single flight above), on a writer
/// thread of the disk. Everybody holds a lease.</para>
/// <para>Crash after the data: the chunk is absent, its bytes are overwritten later. After the list: the same. After
/// the entry: the chunk is here if the machine went on; after another boot it is checked first (boot tag).</para>
/// </summary>
public sealed class VersionFile
{
    private readonly DiskFile _data;
    private readonly VersionMap _map;
    private readonly long _dataBase;
    private readonly CheckedBlocks _checked;
    private readonly DiskStore _disk;
    private readonly Lock _header = new();
    private bool _isSealDurable;
    private int _leases;
    private int _unsynced;
    private int _failedSyncs;
    private bool _isNamed;
    private volatile bool _dropped;

    internal VersionFile(DiskStore disk, VersionMap map, DiskFile data)
    {
        (_disk, _map, _data) = (disk, map, data);
        _dataBase = MapLayout.IsInline(SizeBytes) ? MapLayout.InlineOffset(ChunkCount) : 0;
        _checked = new CheckedBlocks(disk.Clock);
    }

    /// <summary>Identity of the version.</summary>
    public ContentId Id => _map.Header.Id;

    /// <summary>Size of the version in bytes.</summary>
    public long SizeBytes => _map.Header.SizeBytes;

    /// <summary>Number of chunks.</summary>
    public int ChunkCount => _map.ChunkCount;

    /// <summary>How far the bytes are known to be the origin's.</summary>
    public Verdict Verdict => _map.Header.Verdict;

    /// <summary>CRC-32C of the whole, entered with the verdict; null before.</summary>
    public uint? WholeCrc32C => (_map.Header.Flags & MapFlags.HasCrc32C) != 0 ? _map.Header.Crc32C : null;

    /// <summary>Bytes of whole, entered chunks.</summary>
    public long PresentBytes => _map.PresentBytes;

    /// <summary>Whether every chunk is here.</summary>
    public bool IsComplete => PresentBytes == SizeBytes;

    /// <summary>
    /// Whether the file was handed to the kernel, now or in an earlier run, or is about to be: it may be unlinked and
    /// nothing else.
    /// </summary>
    public bool IsSealed => (_map.Header.Flags & MapFlags.Sealed) != 0;

    /// <summary>Whether the files are unlinked: what is open can still be read, nothing is kept any more.</summary>
    public bool IsDropped => _dropped;

    internal DiskStore Disk => _disk;

    /// <summary>The file with the bytes at their own offsets; null when they live inside the map.</summary>
    internal SafeFileHandle? Backing => _data == _map.File ? null : _data.Handle;

    internal int Leases => Volatile.Read(ref _leases);

    /// <summary>Chunks entered but not yet on the medium.</summary>
    internal int Unsynced => Volatile.Read(ref _unsynced);

    /// <summary>Bytes that count as used while the dropped files are held; set when they are dropped.</summary>
    internal long HeldBytes { get; set; }

    /// <summary>Whether a chunk is here.</summary>
    public bool Has(int chunk) => _map.StateOf(chunk) != ChunkState.Absent;

    /// <summary>
    /// Reads checked bytes of the chunk that holds <paramref name="offset"/>, at most to its end. Completes
    /// synchronously when the page cache has them.
    /// </summary>
    public ValueTask<ReadOutcome> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var chunk = Geometry.ChunkAt(offset);
        var state = _map.StateOf(chunk);
        if (state == ChunkState.Absent)
            return new ValueTask<ReadOutcome>(ReadOutcome.Miss);
        var span = new BlockSpan(SizeBytes, offset, destination.Length);
        if (state != ChunkState.Suspect && _map.KnownBlockCrcs(chunk) is { } crcs)
        {
            var bytes = TryReadNow(span, destination.Span, crcs);
            if (bytes > 0)
                return new ValueTask<ReadOutcome>(ReadOutcome.Hit(bytes));
        }

        return ReadQueued(span, destination, cancellationToken);
    }

    /// <summary>
    /// Where a chunk lies, for whoever copies it without looking at it; null when it is not here or does not check. One
    /// from before an unclean boot is checked first. The bytes stay until the lease ends.
    /// </summary>
    public ValueTask<ChunkPlace?> LocateAsync(int chunk, CancellationToken cancellationToken)
    {
        var place = new ChunkPlace(_data.Handle, _dataBase + Geometry.ChunkOffset(chunk));
        return IsTrusted(chunk)
            ? new ValueTask<ChunkPlace?>(place)
            : new ValueTask<ChunkPlace?>(_disk.Readers.RunAsync(
                () => TryTrust(chunk) ? place : null, cancellationToken));
    }

    /// <summary>The block CRCs of a chunk that is here, or null when it is not or they do not check.</summary>
    public Task<uint[]?> GetBlockCrcsAsync(int chunk, CancellationToken cancellationToken) =>
        _disk.Readers.RunAsync(() => TryLoadBlockCrcs(chunk), cancellationToken);

    /// <summary>The block CRCs of a chunk that was read or written while the version was open; else null.</summary>
    public uint[]? TryGetBlockCrcs(int chunk) => _map.KnownBlockCrcs(chunk);

    /// <summary>
    /// The open file and the place of a chunk's bytes in it, with its block CRCs, for sending without reading: whoever
    /// receives them compares them with the CRCs. Null when the chunk is not here, or must be checked first since it is
    /// from before an unclean boot. Hold the lease until the bytes have been sent.
    /// </summary>
    public async ValueTask<(SafeFileHandle File, long Offset, uint[] BlockCrcs)?> TryLocateAsync(
        int chunk, CancellationToken cancellationToken)
    {
        if (_map.StateOf(chunk) is ChunkState.Absent or ChunkState.Suspect)
            return null;
        var crcs = _map.KnownBlockCrcs(chunk)
            ?? await GetBlockCrcsAsync(chunk, cancellationToken).ConfigureAwait(false);
        return crcs is null ? null : (_data.Handle, _dataBase + Geometry.ChunkOffset(chunk), crcs);
    }

    /// <summary>
    /// Checks every block of a chunk: what a node does when another one says that blocks it sent did not check, and
    /// before it sends a chunk from before an unclean boot. A chunk that does not check is lost.
    /// </summary>
    public Task<bool> CheckAsync(int chunk, CancellationToken cancellationToken) =>
        _disk.Readers.RunAsync(() => CheckOnDisk(chunk), cancellationToken);

    /// <summary>CRC-64/NVME of a chunk that is here, where the origin's sum is of that kind; else null.</summary>
    public ulong? TryGetCrc64(int chunk) => _map.Crc64Of(chunk);

    /// <summary>Reads the entries; once, before anybody else sees the version.</summary>
    internal void LoadEntries()
    {
        var (damaged, unsynced) = _map.LoadEntries(_disk.BootTag);
        _unsynced = unsynced;
        for (; damaged > 0; damaged--)
            _disk.CountDamage();
    }

    /// <summary>Writes a whole chunk, its list and its entry, in this order. On a writer thread of the disk.</summary>
    /// <returns>Bytes that are here now and were not before: the chunk's length, or 0 for a repair.</returns>
    internal int WriteChunk(int chunk, ReadOnlySpan<byte> bytes, uint[] blockCrcs, ulong? crc64)
    {
        const int pieceBytes = 1 << 20;
        var failedSyncs = Volatile.Read(ref _failedSyncs);
        var start = _dataBase + Geometry.ChunkOffset(chunk);
        for (var done = 0; done < bytes.Length; done += pieceBytes)
            _data.Write(bytes.Slice(done, Math.Min(pieceBytes, bytes.Length - done)), start + done);
        var (isNew, differs) = _map.Enter(chunk, blockCrcs, crc64, _disk.BootTag);
        _checked.Forget(chunk);
        Interlocked.Increment(ref _unsynced);
        if (differs && Verdict != Verdict.None)
            WriteVerdict(Verdict.None, null);
        if (Volatile.Read(ref _failedSyncs) == failedSyncs)
            return isNew ? bytes.Length : 0;

        // A sync failed while this was written: it may have taken some of these pages with it.
        var (_, generation) = _map.Look(chunk);
        if (_map.Lose(chunk, generation) != ChunkState.Absent)
            _map.WriteLoss(chunk, _disk.BootTag);
        throw new IOException("The disk failed to make an earlier write durable.");
    }

    /// <summary>
    /// Makes what is written durable: data and lists, then the entries. On the disk's sync thread. After an error
    /// nothing that is written and not durable can be trusted, and those chunks are dropped.
    /// </summary>
    internal void SyncWritten()
    {
        var pending = Volatile.Read(ref _unsynced);
        var written = Written();
        Interlocked.Add(ref _unsynced, -pending);
        if (written.Count == 0 || _dropped)
            return;
        try
        {
            if (_data != _map.File)
                _data.Sync();
            _map.File.Sync();
            written.RemoveAll(seen => _map.Look(seen.Chunk) != (ChunkState.Written, seen.Generation));
            foreach (var (chunk, _) in written)
                _map.WriteDurable(chunk, _disk.BootTag);
            _map.File.Sync();
            if (!_isNamed)
                _disk.Files.SyncFolder(Path.GetDirectoryName(_disk.PathsOf(Id).Map)!);
            _isNamed = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Interlocked.Increment(ref _failedSyncs);
            foreach (var (chunk, generation) in Written())
                Forget(chunk, generation);
            throw;
        }

        foreach (var (chunk, generation) in written)
            if (!_map.TryAdvance(chunk, generation, ChunkState.Written, ChunkState.Durable))
                _map.WriteLoss(chunk, _disk.BootTag);
    }

    /// <summary>Enters the verdict, and with it the CRC-32C of the whole. On a writer thread of the disk.</summary>
    internal void WriteVerdict(Verdict verdict, uint? crc32C)
    {
        // Only the disk's writer threads come here: they wait for each other over I/O and nobody for them.
        lock (_header)
        {
            var header = _map.Header;
            _map.WriteHeader(header with
            {
                Verdict = verdict,
                Crc32C = crc32C ?? 0,
                Flags = crc32C is null ? header.Flags & ~MapFlags.HasCrc32C : header.Flags | MapFlags.HasCrc32C,
            });
        }
    }

    /// <summary>
    /// Seals a version that is whole and trusted; the seal is on the medium when this returns true. On a writer thread
    /// of the disk.
    /// </summary>
    internal bool Seal()
    {
        lock (_header)
        {
            for (var chunk = 0; chunk < ChunkCount; chunk++)
                if (!IsTrusted(chunk))
                    return false;
            if (_dropped || _isSealDurable)
                return _isSealDurable;
            _map.WriteHeader(_map.Header with { Flags = _map.Header.Flags | MapFlags.Sealed });
            _map.File.Sync();
            return _isSealDurable = true;
        }
    }

    /// <summary>
    /// Whether these bytes may be written for a chunk: a sealed version takes only those that it has or had there.
    /// </summary>
    internal bool Admits(int chunk, uint[] blockCrcs) => !IsSealed || _map.IsKnown(chunk, blockCrcs);

    /// <summary>Whether a chunk is here and nothing about it is left to be checked.</summary>
    internal bool IsTrusted(int chunk) => _map.StateOf(chunk) is ChunkState.Written or ChunkState.Durable;

    /// <summary>Checks a chunk from before an unclean boot. On a reader thread of the disk.</summary>
    internal bool TryTrust(int chunk)
    {
        var (state, generation) = _map.Look(chunk);
        if (state != ChunkState.Suspect)
            return state != ChunkState.Absent;
        try
        {
            if (_map.LoadBlockCrcs(chunk) is { } crcs && CheckWhole(chunk, generation, crcs))
                return true;
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
        }

        Fail(chunk, generation);
        return false;
    }

    internal bool TryAcquire()
    {
        while (true)
        {
            var leases = Volatile.Read(ref _leases);
            if (leases < 0)
                return false;
            if (Interlocked.CompareExchange(ref _leases, leases + 1, leases) == leases)
                return true;
        }
    }

    internal int Release() => Interlocked.Decrement(ref _leases);

    /// <summary>Closes the files if nobody holds a lease; no lease can be taken afterwards.</summary>
    internal bool TryClose()
    {
        if (Interlocked.CompareExchange(ref _leases, int.MinValue, 0) != 0)
            return false;
        if (_data != _map.File)
            _data.Dispose();
        _map.Dispose();
        return true;
    }

    internal void MarkDropped() => _dropped = true;

    private List<(int Chunk, long Generation)> Written()
    {
        var written = new List<(int, long)>();
        for (var chunk = 0; chunk < ChunkCount; chunk++)
            if (_map.Look(chunk) is { State: ChunkState.Written } seen)
                written.Add((chunk, seen.Generation));
        return written;
    }

    // Apart from the caller, so that a read from the page cache allocates no closure.
    private ValueTask<ReadOutcome> ReadQueued(
        BlockSpan span, Memory<byte> destination, CancellationToken cancellationToken) =>
        new(_disk.Readers.RunAsync(() => ReadOnDisk(span, destination), cancellationToken));

    private int TryReadNow(BlockSpan span, Span<byte> destination, uint[] crcs)
    {
        var target = destination[..span.Bytes];
        if (span.IsWholeBlocks)
            return ReadBlocksNow(span, target, crcs);

        if (_checked.IsFresh(span.Chunk, span.FirstBlock)
            && _data.TryReadCached(target, _dataBase + span.Offset) == span.Bytes)
            return span.Bytes;
        using var scratch = BlockScratch.Rent();
        var block = scratch.Span[..span.BlockLength];
        if (_data.TryReadCached(block, _dataBase + span.BlockOffset) != block.Length
            || Crc32C.Compute(block) != crcs[span.FirstBlock])
            return 0;
        _checked.Mark(span.Chunk, span.FirstBlock);
        block.Slice(span.OffsetInBlock, span.Bytes).CopyTo(target);
        return span.Bytes;
    }

    // Block by block: a block is checked while the processor's cache still has it.
    private int ReadBlocksNow(BlockSpan span, Span<byte> target, uint[] crcs)
    {
        var (done, block) = (0, span.FirstBlock);
        while (done < target.Length)
        {
            var piece = target.Slice(done, Math.Min(Geometry.BlockBytes, target.Length - done));
            if (_data.TryReadCached(piece, _dataBase + span.Offset + done) != piece.Length
                || Crc32C.Compute(piece) != crcs[block++])
                break;
            done += piece.Length;
        }

        return done;
    }

    private ReadOutcome ReadOnDisk(BlockSpan span, Memory<byte> destination)
    {
        var (state, generation) = _map.Look(span.Chunk);
        if (state == ChunkState.Absent)
            return ReadOutcome.Miss;
        try
        {
            var crcs = _map.LoadBlockCrcs(span.Chunk);
            if (crcs is null || (state == ChunkState.Suspect && !CheckWhole(span.Chunk, generation, crcs)))
                return Fail(span.Chunk, generation);
            if (span.IsWholeBlocks)
            {
                var target = destination.Span[..span.Bytes];
                return _data.Read(target, _dataBase + span.Offset) == span.Bytes && span.Check(target, crcs)
                    ? ReadOutcome.Hit(span.Bytes)
                    : Fail(span.Chunk, generation);
            }

            using var scratch = BlockScratch.Rent();
            var block = scratch.Span[..span.BlockLength];
            if (_data.Read(block, _dataBase + span.BlockOffset) != block.Length
                || Crc32C.Compute(block) != crcs[span.FirstBlock])
                return Fail(span.Chunk, generation);
            _checked.Mark(span.Chunk, span.FirstBlock);
            block.Slice(span.OffsetInBlock, span.Bytes).CopyTo(destination.Span);
            return ReadOutcome.Hit(span.Bytes);
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
            return Fail(span.Chunk, generation);
        }
    }

    /// <summary>
    /// Checks every block of a chunk from before an unclean boot; a good one counts as written from now on.
    /// </summary>
    private bool CheckWhole(int chunk, long generation, uint[] crcs)
    {
        using var scratch = BlockScratch.Rent();
        var length = Geometry.ChunkLength(SizeBytes, chunk);
        for (var index = 0; index < Geometry.BlockCount(length); index++)
        {
            var block = scratch.Span[..Geometry.BlockLength(length, index)];
            var offset = _dataBase + Geometry.ChunkOffset(chunk) + (long)index * Geometry.BlockBytes;
            if (_data.Read(block, offset) != block.Length || Crc32C.Compute(block) != crcs[index])
                return false;
        }

        if (_map.TryAdvance(chunk, generation, ChunkState.Suspect, ChunkState.Written))
        {
            Interlocked.Increment(ref _unsynced);
            _disk.NoteUnsynced(this, 0);
        }

        return true;
    }

    private bool CheckOnDisk(int chunk)
    {
        var (state, generation) = _map.Look(chunk);
        if (state == ChunkState.Absent)
            return false;
        try
        {
            if (_map.LoadBlockCrcs(chunk) is { } crcs && CheckWhole(chunk, generation, crcs))
                return true;
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
        }

        Fail(chunk, generation);
        return false;
    }

    private uint[]? TryLoadBlockCrcs(int chunk)
    {
        var (state, generation) = _map.Look(chunk);
        if (state == ChunkState.Absent)
            return null;
        try
        {
            if (_map.LoadBlockCrcs(chunk) is { } crcs)
                return crcs;
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
        }

        Fail(chunk, generation);
        return null;
    }

    private ReadOutcome Fail(int chunk, long generation)
    {
        var state = Forget(chunk, generation);
        if (state == ChunkState.Suspect)
            _disk.Counters.AddLost();
        else if (state != ChunkState.Absent)
            _disk.Counters.AddCorrupt();
        return ReadOutcome.Bad;
    }

    /// <summary>Enters a chunk as lost if it is still the one that was seen; returns what it was.</summary>
    private ChunkState Forget(int chunk, long generation)
    {
        var was = _map.Lose(chunk, generation);
        if (was == ChunkState.Absent)
            return was;
        if (!_dropped)
            _disk.Accounts.Add(Id, -Geometry.ChunkLength(SizeBytes, chunk));
        _map.ForgetBlockCrcs(chunk);
        _checked.Forget(chunk);
        try
        {
            _map.WriteLoss(chunk, _disk.BootTag);
        }
        catch (IOException error)
        {
            _disk.ReportWriteFailure(Id, error);
        }

        return was;
    }
}
