using System.Runtime.InteropServices;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// One version on one disk: a sparse data file with each chunk at its own offset, and its map.
/// <para>Invariants: a chunk's bytes are written before its block CRC list, and that before its entry; a state other
/// than absent is published in memory only after its entry was written; bytes leave only after their blocks were
/// checked.</para>
/// <para>Callers: any thread reads; each chunk has at most one writer at a time (the single flight above), on a writer
/// thread of the disk. Everybody holds a lease.</para>
/// <para>Crash after the data: the chunk is absent, its bytes are overwritten later. After the list: the same. After
/// the entry: the chunk is here if the machine went on; after another boot it is checked first (boot tag).</para>
/// </summary>
public sealed class VersionFile
{
    private readonly DiskFile _data;
    private readonly DiskFile _map;
    private readonly long _dataBase;
    private readonly byte[] _states;
    private readonly uint[] _listCrcs;
    private readonly uint[]?[] _blockCrcs;
    private readonly CheckedBlocks _checked;
    private readonly DiskStore _disk;
    private MapHeader _header;
    private long _presentBytes;
    private int _leases;
    private int _unsynced;
    private bool _isNamed;
    private volatile bool _dropped;

    private VersionFile(DiskStore disk, MapHeader header, DiskFile map, DiskFile data)
    {
        (_disk, _header, _map, _data) = (disk, header, map, data);
        ChunkCount = Geometry.ChunkCount(header.SizeBytes);
        _dataBase = MapLayout.IsInline(header.SizeBytes) ? MapLayout.InlineOffset(ChunkCount) : 0;
        _states = new byte[ChunkCount];
        _listCrcs = new uint[ChunkCount];
        _blockCrcs = new uint[ChunkCount][];
        _checked = new CheckedBlocks(disk.Clock);
    }

    /// <summary>Identity of the version.</summary>
    public ContentId Id => _header.Id;

    /// <summary>Size of the version in bytes.</summary>
    public long SizeBytes => _header.SizeBytes;

    /// <summary>Number of chunks.</summary>
    public int ChunkCount { get; }

    /// <summary>How far the bytes are known to be the origin's.</summary>
    public Verdict Verdict => _header.Verdict;

    /// <summary>The origin's own sum, if it published one.</summary>
    public OriginSum? Sum => _header.Sum;

    /// <summary>Bytes of whole, entered chunks.</summary>
    public long PresentBytes => Volatile.Read(ref _presentBytes);

    /// <summary>Whether every chunk is here.</summary>
    public bool IsComplete => PresentBytes == SizeBytes;

    /// <summary>Whether the files are unlinked: what is open can still be read, nothing is kept any more.</summary>
    public bool IsDropped => _dropped;

    internal DiskStore Disk => _disk;

    internal int Leases => Volatile.Read(ref _leases);

    /// <summary>Chunks entered but not yet on the medium.</summary>
    internal int Unsynced => Volatile.Read(ref _unsynced);

    internal long UsedBytes => PresentBytes + MapLayout.FileBytes(0) + (long)ChunkCount
        * (MapLayout.EntryBytes + MapLayout.CrcListBytes);

    /// <summary>Whether a chunk is here.</summary>
    public bool Has(int chunk) => Volatile.Read(ref _states[chunk]) != (byte)ChunkState.Absent;

    /// <summary>
    /// Reads checked bytes of the chunk that holds <paramref name="offset"/>, at most to its end. Completes
    /// synchronously when the page cache has them.
    /// </summary>
    public ValueTask<ReadOutcome> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var chunk = Geometry.ChunkAt(offset);
        var state = (ChunkState)Volatile.Read(ref _states[chunk]);
        if (state == ChunkState.Absent)
            return new ValueTask<ReadOutcome>(ReadOutcome.Miss);
        var span = new BlockSpan(SizeBytes, offset, destination.Length);
        if (state != ChunkState.Suspect && Volatile.Read(ref _blockCrcs[chunk]) is { } crcs)
        {
            var bytes = TryReadNow(span, destination.Span, crcs);
            if (bytes > 0)
                return new ValueTask<ReadOutcome>(ReadOutcome.Hit(bytes));
        }

        return ReadQueued(span, destination, cancellationToken);
    }

    /// <summary>The block CRCs of a chunk that is here, or null when it is not or they do not check.</summary>
    public Task<uint[]?> GetBlockCrcsAsync(int chunk, CancellationToken cancellationToken) =>
        _disk.Readers.RunAsync(() => TryLoadBlockCrcs(chunk), cancellationToken);

    /// <summary>The block CRCs of a chunk that was read or written while the version was open; else null.</summary>
    public uint[]? TryGetBlockCrcs(int chunk) => Volatile.Read(ref _blockCrcs[chunk]);

    /// <summary>Opens the files of a version; null when there are none; damaged ones are removed.</summary>
    internal static VersionFile? TryOpen(DiskStore disk, ContentId id, out MapProblem problem)
    {
        problem = MapProblem.None;
        var paths = disk.PathsOf(id);
        DiskFile? map = null;
        DiskFile? data = null;
        try
        {
            map = disk.Files.Open(paths.Map, create: false);
            Span<byte> sector = stackalloc byte[MapLayout.HeaderBytes];
            var read = map.Read(sector, 0);
            var header = MapHeader.Read(sector[..read], out problem);
            if (header is null || header.Id != id)
            {
                problem = problem == MapProblem.None ? MapProblem.Damaged : problem;
                return null;
            }

            data = MapLayout.IsInline(header.SizeBytes) ? map : disk.Files.Open(paths.Data, create: false);
            if (map.Length < MapLayout.FileBytes(header.SizeBytes)
                || (data != map && data.Length != header.SizeBytes))
            {
                problem = MapProblem.Damaged;
                return null;
            }

            var version = new VersionFile(disk, header, map, data);
            version.LoadEntries();
            (map, data) = (null, null);
            return version;
        }
        catch (FileNotFoundException)
        {
            problem = map is null ? MapProblem.None : MapProblem.Damaged;
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
        finally
        {
            if (data != map)
                data?.Dispose();
            map?.Dispose();
        }
    }

    /// <summary>Makes the files of a version without any chunk.</summary>
    internal static VersionFile Create(DiskStore disk, ObjectVersion version)
    {
        var paths = disk.PathsOf(version.Id);
        var header = new MapHeader(
            version.Id, version.SizeBytes, version.Sum, Verdict.None, version.IsWeak ? MapFlags.Weak : MapFlags.None,
            disk.Clock.GetUtcNow());
        disk.Files.CreateFolder(Path.GetDirectoryName(paths.Map)!);
        DiskFile? data = null;
        DiskFile? map = null;
        try
        {
            if (!MapLayout.IsInline(version.SizeBytes))
            {
                data = disk.Files.Open(paths.Data, create: true);
                data.SetLength(version.SizeBytes);
            }

            map = disk.Files.Open(paths.Map, create: true);
            Span<byte> sector = stackalloc byte[MapLayout.HeaderBytes];
            header.Write(sector);
            map.SetLength(MapLayout.FileBytes(version.SizeBytes));
            map.Write(sector, 0);
            var created = new VersionFile(disk, header, map, data ?? map);
            (map, data) = (null, null);
            return created;
        }
        finally
        {
            data?.Dispose();
            map?.Dispose();
        }
    }

    /// <summary>Writes a whole chunk, its list and its entry, in this order. On a writer thread of the disk.</summary>
    /// <returns>Bytes that are here now and were not before: the chunk's length, or 0 for a repair.</returns>
    internal int WriteChunk(int chunk, ReadOnlySpan<byte> bytes, uint[] blockCrcs)
    {
        const int pieceBytes = 1 << 20;
        var start = _dataBase + Geometry.ChunkOffset(chunk);
        for (var done = 0; done < bytes.Length; done += pieceBytes)
            _data.Write(bytes.Slice(done, Math.Min(pieceBytes, bytes.Length - done)), start + done);
        _map.Write(MemoryMarshal.AsBytes(blockCrcs.AsSpan()), MapLayout.CrcListOffset(ChunkCount, chunk));
        var seed = ChunkEntry.Seed(Id, chunk);
        var entry = new ChunkEntry(ChunkState.Written, _disk.BootTag, ChunkEntry.CrcOfList(seed, blockCrcs));
        WriteEntry(chunk, entry, seed);
        _listCrcs[chunk] = entry.ListCrc;
        Volatile.Write(ref _blockCrcs[chunk], blockCrcs);
        Interlocked.Increment(ref _unsynced);
        if (Publish(chunk, ChunkState.Written) != ChunkState.Absent)
            return 0;
        Interlocked.Add(ref _presentBytes, bytes.Length);
        return bytes.Length;
    }

    /// <summary>
    /// Makes what is written durable: data, then the entries, then the map. On the disk's sync thread. After an error
    /// nothing written since the last time can be trusted, and those chunks are dropped.
    /// </summary>
    internal void SyncWritten()
    {
        var written = new List<int>();
        var pending = Volatile.Read(ref _unsynced);
        for (var chunk = 0; chunk < ChunkCount; chunk++)
            if (Volatile.Read(ref _states[chunk]) == (byte)ChunkState.Written)
                written.Add(chunk);
        Interlocked.Add(ref _unsynced, -pending);
        if (written.Count == 0 || _dropped)
            return;
        try
        {
            if (_data != _map)
                _data.Sync();
            else
                _map.Sync();
            foreach (var chunk in written)
            {
                var entry = new ChunkEntry(ChunkState.Durable, _disk.BootTag, _listCrcs[chunk]);
                WriteEntry(chunk, entry, ChunkEntry.Seed(Id, chunk));
                if (!Has(chunk))
                    WriteEntry(chunk, default, ChunkEntry.Seed(Id, chunk));
            }

            _map.Sync();
            if (!_isNamed)
                _disk.Files.SyncFolder(Path.GetDirectoryName(_disk.PathsOf(Id).Map)!);
            _isNamed = true;
        }
        catch (IOException)
        {
            foreach (var chunk in written)
                Forget(chunk);
            throw;
        }

        foreach (var chunk in written)
            Interlocked.CompareExchange(ref _states[chunk], (byte)ChunkState.Durable, (byte)ChunkState.Written);
    }

    /// <summary>Enters the verdict. One caller at a time (the verifier).</summary>
    internal void WriteVerdict(Verdict verdict)
    {
        var header = _header with { Verdict = verdict };
        Span<byte> sector = stackalloc byte[MapLayout.HeaderBytes];
        header.Write(sector);
        _map.Write(sector, 0);
        _header = header;
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
        if (_data != _map)
            _data.Dispose();
        _map.Dispose();
        return true;
    }

    /// <summary>Bytes it had when it was dropped: what counts as used until it is closed.</summary>
    internal long HeldBytes { get; private set; }

    internal void MarkDropped()
    {
        HeldBytes = PresentBytes;
        _dropped = true;
    }

    private void LoadEntries()
    {
        var bytes = new byte[ChunkCount * MapLayout.EntryBytes];
        var read = _map.Read(bytes, MapLayout.HeaderBytes);
        for (var chunk = 0; chunk < ChunkCount && (chunk + 1) * MapLayout.EntryBytes <= read; chunk++)
        {
            var entry = ChunkEntry.Read(
                bytes.AsSpan(chunk * MapLayout.EntryBytes), ChunkEntry.Seed(Id, chunk), out var damaged);
            if (damaged)
                _disk.Counters.AddCorrupt();
            if (entry.State == ChunkState.Absent)
                continue;
            _listCrcs[chunk] = entry.ListCrc;
            var trusted = entry.State == ChunkState.Durable || entry.BootTag == _disk.BootTag;
            _states[chunk] = (byte)(trusted ? entry.State : ChunkState.Suspect);
            if (entry.State == ChunkState.Written)
                _unsynced++;
            _presentBytes += Geometry.ChunkLength(SizeBytes, chunk);
        }
    }

    // Apart from the caller, so that a read from the page cache allocates no closure.
    private ValueTask<ReadOutcome> ReadQueued(
        BlockSpan span, Memory<byte> destination, CancellationToken cancellationToken) =>
        new(_disk.Readers.RunAsync(() => ReadOnDisk(span, destination), cancellationToken));

    private int TryReadNow(BlockSpan span, Span<byte> destination, uint[] crcs)
    {
        var target = destination[..span.Bytes];
        if (span.IsWholeBlocks)
        {
            if (_data.TryReadCached(target, _dataBase + span.Offset) != span.Bytes)
                return 0;
            return span.Check(target, crcs) ? span.Bytes : 0;
        }

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

    private ReadOutcome ReadOnDisk(BlockSpan span, Memory<byte> destination)
    {
        try
        {
            var state = (ChunkState)Volatile.Read(ref _states[span.Chunk]);
            if (state == ChunkState.Absent)
                return ReadOutcome.Miss;
            var crcs = LoadBlockCrcs(span.Chunk);
            if (crcs is null || (state == ChunkState.Suspect && !CheckWhole(span.Chunk, crcs)))
                return Fail(span.Chunk);
            if (span.IsWholeBlocks)
            {
                var target = destination.Span[..span.Bytes];
                return _data.Read(target, _dataBase + span.Offset) == span.Bytes && span.Check(target, crcs)
                    ? ReadOutcome.Hit(span.Bytes)
                    : Fail(span.Chunk);
            }

            using var scratch = BlockScratch.Rent();
            var block = scratch.Span[..span.BlockLength];
            if (_data.Read(block, _dataBase + span.BlockOffset) != block.Length
                || Crc32C.Compute(block) != crcs[span.FirstBlock])
                return Fail(span.Chunk);
            _checked.Mark(span.Chunk, span.FirstBlock);
            block.Slice(span.OffsetInBlock, span.Bytes).CopyTo(destination.Span);
            return ReadOutcome.Hit(span.Bytes);
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
            return Fail(span.Chunk);
        }
    }

    /// <summary>
    /// Checks every block of a chunk from before an unclean boot; a good one counts as written from now on.
    /// </summary>
    private bool CheckWhole(int chunk, uint[] crcs)
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

        Interlocked.CompareExchange(ref _states[chunk], (byte)ChunkState.Written, (byte)ChunkState.Suspect);
        Interlocked.Increment(ref _unsynced);
        _disk.NoteUnsynced(this, 0);
        return true;
    }

    private uint[]? TryLoadBlockCrcs(int chunk)
    {
        if (!Has(chunk))
            return null;
        try
        {
            if (LoadBlockCrcs(chunk) is { } crcs)
                return crcs;
        }
        catch (IOException error)
        {
            _disk.ReportReadFailure(Id, error);
        }

        Fail(chunk);
        return null;
    }

    private uint[]? LoadBlockCrcs(int chunk)
    {
        if (Volatile.Read(ref _blockCrcs[chunk]) is { } known)
            return known;
        var crcs = new uint[Geometry.BlocksPerChunk];
        var bytes = MemoryMarshal.AsBytes(crcs.AsSpan());
        if (_map.Read(bytes, MapLayout.CrcListOffset(ChunkCount, chunk)) != bytes.Length
            || ChunkEntry.CrcOfList(ChunkEntry.Seed(Id, chunk), crcs) != _listCrcs[chunk])
            return null;
        Volatile.Write(ref _blockCrcs[chunk], crcs);
        return crcs;
    }

    private ReadOutcome Fail(int chunk)
    {
        var state = Forget(chunk);
        if (state == ChunkState.Suspect)
            _disk.Counters.AddLost();
        else if (state != ChunkState.Absent)
            _disk.Counters.AddCorrupt();
        return ReadOutcome.Bad;
    }

    /// <summary>Enters a chunk as absent; returns what it was.</summary>
    private ChunkState Forget(int chunk)
    {
        var was = Publish(chunk, ChunkState.Absent);
        if (was == ChunkState.Absent)
            return was;
        Interlocked.Add(ref _presentBytes, -Geometry.ChunkLength(SizeBytes, chunk));
        _disk.Account(this, -Geometry.ChunkLength(SizeBytes, chunk));
        Volatile.Write(ref _blockCrcs[chunk], null);
        _checked.Forget(chunk);
        try
        {
            WriteEntry(chunk, default, ChunkEntry.Seed(Id, chunk));
        }
        catch (IOException error)
        {
            _disk.ReportWriteFailure(Id, error);
        }

        return was;
    }

    private ChunkState Publish(int chunk, ChunkState state) =>
        (ChunkState)Interlocked.Exchange(ref _states[chunk], (byte)state);

    private void WriteEntry(int chunk, ChunkEntry entry, uint seed)
    {
        Span<byte> bytes = stackalloc byte[MapLayout.EntryBytes];
        entry.Write(bytes, seed);
        _map.Write(bytes, MapLayout.EntryOffset(chunk));
    }
}
