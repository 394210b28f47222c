using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// The map of one version, in memory and on disk: what is here of each chunk, the block CRC lists (read when first
/// asked for), the header.
/// <para>Invariants: each change of a chunk's state has a new generation, and whoever decides on what it saw earlier
/// names the generation it saw; a state other than absent is published only after its entry was written.</para>
/// <para>Any thread looks. Entering and losing are called under the rules of the version file.</para>
/// </summary>
internal sealed class VersionMap : IDisposable
{
    private const int StateBits = 8;

    private readonly long[] _slots;
    private readonly uint[] _listCrcs;
    private readonly ulong?[]? _crc64s;
    private readonly uint[]?[] _blockCrcs;
    private readonly ConcurrentDictionary<int, uint> _damaged = new();
    private MapHeader _header;
    private long _presentBytes;

    public VersionMap(DiskFile file, MapHeader header)
    {
        (File, _header) = (file, header);
        ChunkCount = Geometry.ChunkCount(header.SizeBytes);
        _slots = new long[ChunkCount];
        _listCrcs = new uint[ChunkCount];
        _blockCrcs = new uint[ChunkCount][];
        _crc64s = header.Sum?.Kind == SumKind.Crc64Nvme ? new ulong?[ChunkCount] : null;
    }

    public DiskFile File { get; }

    public int ChunkCount { get; }

    public MapHeader Header => Volatile.Read(ref _header);

    public long PresentBytes => Volatile.Read(ref _presentBytes);

    /// <summary>The chunk's CRC-64, entered where the origin's sum is of that kind.</summary>
    public ulong? Crc64Of(int chunk) => _crc64s?[chunk];

    public uint[]? KnownBlockCrcs(int chunk) => Volatile.Read(ref _blockCrcs[chunk]);

    public ChunkState StateOf(int chunk) => (ChunkState)(byte)Volatile.Read(ref _slots[chunk]);

    /// <summary>The state and the generation that belongs to it.</summary>
    public (ChunkState State, long Generation) Look(int chunk)
    {
        var slot = Volatile.Read(ref _slots[chunk]);
        return ((ChunkState)(byte)slot, slot >> StateBits);
    }

    /// <summary>Reads all entries; returns how many were damaged and how many are written but not durable.</summary>
    /// <param name="bootTag">This boot's.</param>
    /// <param name="doubtFrom">Chunks that reach beyond this offset are to be checked.</param>
    /// <param name="inherit">Told of those that this boot has written and not made durable.</param>
    public (int Damaged, int Unsynced) LoadEntries(uint bootTag, long doubtFrom, Action<int> inherit)
    {
        var (damagedEntries, unsynced) = (0, 0);
        var bytes = new byte[checked(ChunkCount * MapLayout.EntryBytes)];
        if (File.Read(bytes, MapLayout.HeaderBytes) != bytes.Length)
            throw new IOException("A read of a map ended early.");
        for (var chunk = 0; chunk < ChunkCount; chunk++)
        {
            var entry = ChunkEntry.Read(
                bytes.AsSpan(chunk * MapLayout.EntryBytes), ChunkEntry.Seed(_header.Id, chunk), out var damaged);
            damagedEntries += damaged ? 1 : 0;
            _listCrcs[chunk] = entry.ListCrc;
            if (entry is { State: ChunkState.Lost, IsRepairable: true })
                _damaged[chunk] = 0;
            if (entry.State is ChunkState.Absent or ChunkState.Lost)
                continue;
            if (_crc64s is not null)
                _crc64s[chunk] = entry.Crc64;
            var end = Geometry.ChunkOffset(chunk) + Geometry.ChunkLength(_header.SizeBytes, chunk);
            var trusted = end <= doubtFrom && (entry.State == ChunkState.Durable || entry.BootTag == bootTag);
            _slots[chunk] = (long)(trusted ? entry.State : ChunkState.Suspect);
            unsynced += entry.State == ChunkState.Written ? 1 : 0;
            if (trusted && entry.State == ChunkState.Written)
                inherit(chunk);
            _presentBytes += Geometry.ChunkLength(_header.SizeBytes, chunk);
        }

        return (damagedEntries, unsynced);
    }

    /// <summary>
    /// Enters a chunk whose bytes are written. Returns whether it was not here before, and whether its bytes are other
    /// than those that were here once.
    /// </summary>
    public (bool IsNew, bool Differs) Enter(int chunk, uint[] blockCrcs, ulong? crc64, uint bootTag)
    {
        WriteList(chunk, blockCrcs);
        var seed = ChunkEntry.Seed(_header.Id, chunk);
        var listCrc = ChunkEntry.CrcOfList(seed, blockCrcs);
        WriteEntry(chunk, new ChunkEntry(ChunkState.Written, bootTag, listCrc, crc64), seed);
        var differs = _listCrcs[chunk] is var before and not 0 && before != listCrc;
        _listCrcs[chunk] = listCrc;
        if (_crc64s is not null)
            _crc64s[chunk] = crc64;
        Volatile.Write(ref _blockCrcs[chunk], blockCrcs);
        _damaged.TryRemove(chunk, out _);
        if (Change(chunk, ChunkState.Written) is not ChunkState.Absent)
            return (false, differs);
        Interlocked.Add(ref _presentBytes, Geometry.ChunkLength(_header.SizeBytes, chunk));
        return (true, differs);
    }

    /// <summary>Writes a block CRC list.</summary>
    public void WriteList(int chunk, uint[] blockCrcs) =>
        File.Write(MemoryMarshal.AsBytes(blockCrcs.AsSpan()), MapLayout.CrcListOffset(ChunkCount, chunk));

    /// <summary>Whether a chunk that is not here was found damaged, so that some of its blocks may be good.</summary>
    public bool IsDamaged(int chunk) => _damaged.ContainsKey(chunk);

    /// <summary>The blocks of a damaged chunk that are known to be bad, one bit each.</summary>
    public bool TryGetDamage(int chunk, out uint badBlocks) => _damaged.TryGetValue(chunk, out badBlocks);

    /// <summary>Nothing of a damaged chunk is to be trusted.</summary>
    public void ForgetDamage(int chunk) => _damaged.TryRemove(chunk, out _);

    /// <summary>Nothing of any damaged chunk is to be trusted, also in later runs.</summary>
    public void ForgetAllDamage(uint bootTag)
    {
        int[] chunks = [.. _damaged.Keys];
        _damaged.Clear();
        foreach (var chunk in chunks)
            WriteLoss(chunk, bootTag);
    }

    /// <summary>
    /// Loses a chunk if it is still the one that was seen; its list stays as the yardstick for what comes back. Returns
    /// what it was, or absent when it was lost or replaced before.
    /// </summary>
    public ChunkState Lose(int chunk, long generation, bool isRepairable, uint badBlocks = 0)
    {
        var slot = Volatile.Read(ref _slots[chunk]);
        var state = (ChunkState)(byte)slot;
        if (slot >> StateBits != generation || state == ChunkState.Absent)
            return ChunkState.Absent;
        // Known before the chunk is gone: whoever misses it from then on repairs it.
        if (isRepairable)
            _damaged[chunk] = badBlocks;
        if (Interlocked.CompareExchange(ref _slots[chunk], Next(slot, ChunkState.Absent), slot) != slot)
        {
            if (StateOf(chunk) != ChunkState.Absent)
                _damaged.TryRemove(chunk, out _);
            return ChunkState.Absent;
        }

        Interlocked.Add(ref _presentBytes, -Geometry.ChunkLength(_header.SizeBytes, chunk));
        return state;
    }

    /// <summary>Takes a loss back that nobody was told of on disk, unless the chunk was written meanwhile.</summary>
    public void Restore(int chunk, long generation, ChunkState state)
    {
        if (TryAdvance(chunk, generation, ChunkState.Absent, state))
            Interlocked.Add(ref _presentBytes, Geometry.ChunkLength(_header.SizeBytes, chunk));
    }

    /// <summary>Enters a loss on disk, unless the chunk is back already.</summary>
    public void WriteLoss(int chunk, uint bootTag)
    {
        if (StateOf(chunk) == ChunkState.Absent)
            WriteEntry(
                chunk, new ChunkEntry(ChunkState.Lost, bootTag, _listCrcs[chunk], null, IsDamaged(chunk)),
                ChunkEntry.Seed(_header.Id, chunk));
    }

    /// <summary>Enters a chunk as durable on disk; in memory only <see cref="TryAdvance"/> does.</summary>
    public void WriteDurable(int chunk, uint bootTag) => WriteEntry(
        chunk, new ChunkEntry(ChunkState.Durable, bootTag, _listCrcs[chunk], _crc64s?[chunk]),
        ChunkEntry.Seed(_header.Id, chunk));

    /// <summary>Changes a state if it is still the one that was seen.</summary>
    public bool TryAdvance(int chunk, long generation, ChunkState from, ChunkState to)
    {
        var seen = (generation << StateBits) | (long)from;
        return Interlocked.CompareExchange(ref _slots[chunk], Next(seen, to), seen) == seen;
    }

    /// <summary>The block CRC list of a chunk, or null when it does not check.</summary>
    public uint[]? LoadBlockCrcs(int chunk)
    {
        if (KnownBlockCrcs(chunk) is { } known)
            return known;
        var (_, generation) = Look(chunk);
        var crcs = new uint[Geometry.BlocksPerChunk];
        var bytes = MemoryMarshal.AsBytes(crcs.AsSpan());
        if (File.Read(bytes, MapLayout.CrcListOffset(ChunkCount, chunk)) != bytes.Length
            || ChunkEntry.CrcOfList(ChunkEntry.Seed(_header.Id, chunk), crcs) != _listCrcs[chunk])
            return null;
        // A list that was read before the chunk was replaced must not stand over the new one.
        Interlocked.CompareExchange(ref _blockCrcs[chunk], crcs, null);
        return Look(chunk).Generation == generation ? crcs : KnownBlockCrcs(chunk);
    }

    /// <summary>Whether a block CRC list is the one that the chunk has or had; false where that is not known.</summary>
    public bool IsKnown(int chunk, uint[] blockCrcs) =>
        _listCrcs[chunk] is var known and not 0
        && known == ChunkEntry.CrcOfList(ChunkEntry.Seed(_header.Id, chunk), blockCrcs);

    /// <summary>Rewrites the header, the copy at the end first. One caller at a time.</summary>
    public void WriteHeader(MapHeader header)
    {
        Span<byte> sector = stackalloc byte[MapLayout.HeaderBytes];
        header.Write(sector);
        File.Write(sector, MapLayout.SecondHeaderOffset(header.SizeBytes));
        File.Write(sector, 0);
        Volatile.Write(ref _header, header);
    }

    public void Dispose() => File.Dispose();

    private static long Next(long slot, ChunkState state) => (((slot >> StateBits) + 1) << StateBits) | (long)state;

    private ChunkState Change(int chunk, ChunkState state)
    {
        while (true)
        {
            var slot = Volatile.Read(ref _slots[chunk]);
            if (Interlocked.CompareExchange(ref _slots[chunk], Next(slot, state), slot) == slot)
                return (ChunkState)(byte)slot;
        }
    }

    private void WriteEntry(int chunk, ChunkEntry entry, uint seed)
    {
        Span<byte> bytes = stackalloc byte[MapLayout.EntryBytes];
        entry.Write(bytes, seed);
        File.Write(bytes, MapLayout.EntryOffset(chunk));
    }
}
