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
    private readonly VersionBytes _bytes;
    private readonly CheckedBlocks _checked;
    private readonly VersionLosses _losses;
    private readonly InheritedChunks _inherited;
    private readonly DiskStore _disk;
    private readonly Lock _header = new();
    private bool _isSealDurable;
    private int _unsynced;
    private int _failedSyncs;
    private bool _isNamed;
    private volatile bool _dropped;

    internal VersionFile(DiskStore disk, VersionMap map, DiskFile data)
    {
        (_disk, _map, _data) = (disk, map, data);
        _dataBase = MapLayout.IsInline(SizeBytes) ? MapLayout.InlineOffset(ChunkCount) : 0;
        _bytes = new VersionBytes(disk, map.Header, data, _dataBase);
        _checked = new CheckedBlocks(disk.Clock);
        _losses = new VersionLosses(this, map, _checked);
        _inherited = new InheritedChunks(this, map, _bytes, _losses);
        Punch = new VersionPunch(this, map, data);
        Scrub = new VersionScrub(this, map, _bytes, _losses);
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

    /// <summary>Whether the disk that holds the version can be read, as far as is known.</summary>
    public bool IsReadable => _disk.Health.CanRead;

    /// <summary>Whether the files are unlinked: what is open can still be read, nothing is kept any more.</summary>
    public bool IsDropped => _dropped;

    internal DiskStore Disk => _disk;

    /// <summary>Gives back its last chunks.</summary>
    internal VersionPunch Punch { get; }

    /// <summary>Looks at its chunks as they are on the medium.</summary>
    internal VersionScrub Scrub { get; }

    /// <summary>The file with the bytes at their own offsets; null when they live inside the map.</summary>
    internal SafeFileHandle? Backing => _data == _map.File ? null : _data.Handle;

    /// <summary>The file that a chunk's bytes are in, and where.</summary>
    internal (SafeFileHandle File, long Offset) PlaceOf(int chunk) =>
        (_data.Handle, _dataBase + Geometry.ChunkOffset(chunk));

    internal ChunkState StateOf(int chunk) => _map.StateOf(chunk);

    /// <summary>Who holds the files.</summary>
    internal LeaseCount Leases { get; } = new();

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

        return ReadQueuedAsync(span, destination, cancellationToken);
    }

    /// <summary>The block CRCs of a chunk that is here, or null when it is not or they do not check.</summary>
    public Task<uint[]?> GetBlockCrcsAsync(int chunk, CancellationToken cancellationToken) =>
        _disk.Readers.RunAsync(() => _losses.TryLoadBlockCrcs(chunk), cancellationToken);

    /// <summary>
    /// Reads the blocks of a chunk that was found damaged, those that are good, into their places; which ones are to be
    /// fetched, and the list that they must have. Null when there is nothing of the chunk to go by.
    /// </summary>
    /// <param name="chunk">The chunk, which is not here.</param>
    /// <param name="destination">Room for the whole chunk.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<DamagedChunk?> SalvageAsync(
        int chunk, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!_map.IsDamaged(chunk) || !Leases.TryAcquire())
            return null;
        using var target = new ReadTarget(destination);
        return await _disk.Readers.RunAsync(
            () => Salvage(chunk, target), cancellationToken, null, () => _disk.Released(this)).ConfigureAwait(false);
    }

    /// <summary>The block CRCs of a chunk that was read or written while the version was open; else null.</summary>
    public uint[]? TryGetBlockCrcs(int chunk) => _map.KnownBlockCrcs(chunk);

    /// <summary>CRC-64/NVME of a chunk that is here, where the origin's sum is of that kind; else null.</summary>
    public ulong? TryGetCrc64(int chunk) => _map.Crc64Of(chunk);

    /// <summary>Reads the entries; once, before anybody else sees the version.</summary>
    /// <param name="doubtFrom">Chunks that reach beyond this offset are checked before they are served.</param>
    internal void LoadEntries(long doubtFrom)
    {
        var (damaged, unsynced) = _map.LoadEntries(_disk.BootTag, doubtFrom, _inherited.Add);
        _unsynced = unsynced;
        Punch.Reclaim();
        for (; damaged > 0; damaged--)
            _disk.CountDamage();
    }

    /// <summary>Writes a whole chunk, its list and its entry, in this order. On a writer thread of the disk.</summary>
    /// <returns>Bytes that are here now and were not before: the chunk's length, or 0 for one that was.</returns>
    internal int WriteChunk(ChunkWrite write)
    {
        var (chunk, blockCrcs) = (write.Chunk, write.BlockCrcs);
        _inherited.Forget(chunk);
        var failedSyncs = Volatile.Read(ref _failedSyncs);
        // Blocks are left out only next to those that were found good under this very list.
        var all = write.Blocks == uint.MaxValue || !_map.IsDamaged(chunk) || !_map.IsKnown(chunk, blockCrcs);
        _bytes.Write(chunk, write.Bytes.Span, all ? uint.MaxValue : write.Blocks);
        var (isNew, differs) = _map.Enter(chunk, blockCrcs, write.Crc64, _disk.BootTag);
        _checked.Forget(chunk);
        Interlocked.Increment(ref _unsynced);
        if (differs && Verdict != Verdict.None)
            WriteVerdict(Verdict.None, null);
        if (Volatile.Read(ref _failedSyncs) == failedSyncs)
            return isNew ? write.Bytes.Length : 0;

        // A sync failed while this was written: it may have taken some of these pages with it.
        var (_, generation) = _map.Look(chunk);
        if (_map.Lose(chunk, generation, isRepairable: false) != ChunkState.Absent)
            _map.WriteLoss(chunk, _disk.BootTag);
        throw new IOException("The disk failed to make an earlier write durable.");
    }

    /// <summary>
    /// Makes what is written durable: data and lists, then the entries. On the disk's sync thread. After an error
    /// nothing that is written and not durable can be trusted, and those chunks are dropped.
    /// </summary>
    internal void SyncWritten()
    {
        WriteInherited();
        var pending = Volatile.Read(ref _unsynced);
        var written = Written();
        Interlocked.Add(ref _unsynced, -pending);
        if (written.Count == 0 || _dropped)
            return;
        List<(int Chunk, long Generation)> entered;
        try
        {
            if (_data != _map.File)
                _data.Sync();
            _map.File.Sync();
            // Before the entries: if the process ends in between, the next one believes what they say.
            if (!_isNamed)
                _disk.Files.SyncFolder(Path.GetDirectoryName(_disk.PathsOf(Id).Map)!);
            _isNamed = true;
            written.RemoveAll(seen => _map.Look(seen.Chunk) != (ChunkState.Written, seen.Generation));
            // An entry that cannot be written loses nothing: the chunk stays written, for the next batch.
            entered = written.TakeWhile(seen => TryEnterDurable(seen.Chunk)).ToList();
            _map.File.Sync();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LoseUnsynced();
            throw;
        }

        foreach (var (chunk, generation) in entered)
            if (!_map.TryAdvance(chunk, generation, ChunkState.Written, ChunkState.Durable))
                _map.WriteLoss(chunk, _disk.BootTag);
        if (entered.Count == written.Count)
            return;
        Interlocked.Add(ref _unsynced, written.Count - entered.Count);
        _disk.NoteUnsynced(this, 0);
        throw new IOException("The disk took the bytes and not their entries.");
    }

    /// <summary>A write that fails here loses nothing: the next batch tries again.</summary>
    private void WriteInherited()
    {
        var isDone = false;
        try
        {
            if (!_dropped && !(isDone = _inherited.WriteAgain()))
                throw new IOException("The disk cannot be read.");
        }
        finally
        {
            if (!isDone && !_dropped)
                _disk.NoteUnsynced(this, 0);
        }
    }

    /// <summary>
    /// After a sync that failed: what is written counts as clean and may not be on the medium, so it is lost.
    /// </summary>
    private void LoseUnsynced()
    {
        Interlocked.Increment(ref _failedSyncs);
        foreach (var (chunk, generation) in Written())
            _losses.Forget(chunk, generation, damage: null);
        _map.ForgetAllDamage(_disk.BootTag);
    }

    private bool TryEnterDurable(int chunk)
    {
        try
        {
            _map.WriteDurable(chunk, _disk.BootTag);
            return true;
        }
        catch (IOException error)
        {
            _disk.ReportWriteFailure(Id, error);
            return false;
        }
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
            if (!_inherited.WriteAgain())
                return false;
            for (var chunk = 0; chunk < ChunkCount; chunk++)
                if (!IsTrusted(chunk))
                    return false;
            if (_dropped || _isSealDurable)
                return _isSealDurable;
            _map.WriteHeader(_map.Header with { Flags = _map.Header.Flags | MapFlags.Sealed });
            try
            {
                _map.File.Sync();
            }
            catch (IOException)
            {
                LoseUnsynced();
                throw;
            }

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
        return _losses.TryLoadBlockCrcs(chunk) is { } crcs && CheckWhole(chunk, generation, crcs).Kind == ReadKind.Hit;
    }

    /// <summary>Closes the files of a retired version. On a thread of the disk.</summary>
    internal void Close()
    {
        if (_data != _map.File)
            _data.Dispose();
        _map.Dispose();
    }

    internal void MarkDropped() => _dropped = true;

    /// <summary>A chunk is gone: what was known of its blocks is too.</summary>
    internal void ForgetChecks(int chunk) => _checked.Forget(chunk);

    private List<(int Chunk, long Generation)> Written()
    {
        var written = new List<(int, long)>();
        for (var chunk = 0; chunk < ChunkCount; chunk++)
            if (_map.Look(chunk) is { State: ChunkState.Written } seen)
                written.Add((chunk, seen.Generation));
        return written;
    }

    // Apart from the caller, so that a read from the page cache allocates no closure.
    private async ValueTask<ReadOutcome> ReadQueuedAsync(
        BlockSpan span, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (!_disk.Health.CanRead || !Leases.TryAcquire())
            return ReadOutcome.Miss;
        using var target = new ReadTarget(destination);
        return await _disk.Readers.RunAsync(
            () => ReadOnDisk(span, target), cancellationToken, ReadOutcome.Miss, () => _disk.Released(this))
                .ConfigureAwait(false);
    }

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

    /// <summary>Block by block through a buffer of its own: the caller may be gone before the disk answers.</summary>
    private ReadOutcome ReadOnDisk(BlockSpan span, ReadTarget target)
    {
        var (state, generation) = _map.Look(span.Chunk);
        if (state == ChunkState.Absent)
            return ReadOutcome.Miss;
        if (_losses.TryLoadBlockCrcs(span.Chunk) is not { } crcs)
            return ReadOutcome.Bad;
        if (state == ChunkState.Suspect && CheckWhole(span.Chunk, generation, crcs) is { Kind: not ReadKind.Hit } worse)
            return worse;
        using var scratch = BlockScratch.Rent();
        for (var done = 0; done < span.Bytes;)
        {
            var block = span.BlockAt(done);
            if (_bytes.ReadBlock(span.Chunk, block, crcs, scratch.Span) is { Kind: not ReadKind.Hit } end)
                return done > 0 ? ReadOutcome.Hit(done) : _losses.Fail(span.Chunk, generation, end, 1u << block);
            if (!span.IsWholeBlocks)
                _checked.Mark(span.Chunk, block);
            var piece = scratch.Span.Slice(span.OffsetInBlock, span.BytesAt(done));
            if (!target.TryCopy(piece, done))
                return ReadOutcome.Miss;
            done += piece.Length;
        }

        return ReadOutcome.Hit(span.Bytes);
    }

    /// <summary>
    /// Checks every block of a chunk from before an unclean boot; a good one counts as written from now on.
    /// </summary>
    private ReadOutcome CheckWhole(int chunk, long generation, uint[] crcs)
    {
        using var scratch = BlockScratch.Rent();
        var length = Geometry.ChunkLength(SizeBytes, chunk);
        for (var index = 0; index < Geometry.BlockCount(length); index++)
            if (_bytes.ReadBlock(chunk, index, crcs, scratch.Span) is { Kind: not ReadKind.Hit } end)
                return _losses.Fail(chunk, generation, end, 0);
        if (_map.TryAdvance(chunk, generation, ChunkState.Suspect, ChunkState.Written))
        {
            Interlocked.Increment(ref _unsynced);
            _disk.NoteUnsynced(this, 0);
        }

        return ReadOutcome.Hit(length);
    }

    internal bool CheckOnDisk(int chunk)
    {
        var (state, generation) = _map.Look(chunk);
        return state != ChunkState.Absent && _losses.TryLoadBlockCrcs(chunk) is { } crcs
            && CheckWhole(chunk, generation, crcs).Kind == ReadKind.Hit;
    }

    private DamagedChunk? Salvage(int chunk, ReadTarget target)
    {
        if (!_map.TryGetDamage(chunk, out var bad) || _losses.TryLoadBlockCrcs(chunk) is not { } crcs)
            return null;
        using var scratch = BlockScratch.Rent();
        var blocks = Geometry.BlockCount(Geometry.ChunkLength(SizeBytes, chunk));
        for (var index = 0; index < blocks; index++)
        {
            if ((bad & (1u << index)) != 0)
                continue;
            switch (_bytes.ReadBlock(chunk, index, crcs, scratch.Span))
            {
                case { Kind: ReadKind.Miss }:
                    return null;
                case { Kind: ReadKind.Bad }:
                    bad |= 1u << index;
                    break;
                case { Bytes: var bytes }:
                    if (!target.TryCopy(scratch.Span[..bytes], index * Geometry.BlockBytes))
                        return null;
                    break;
            }
        }

        return new DamagedChunk(bad, crcs);
    }
}
