using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Storage;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;
using Thaw.Testing;

namespace Thaw.Tests.Storage.Model;

/// <summary>
/// One seed of the model-based test: a store over a faulty disk in memory, random operations one after the other, and
/// a simple model of what must be here. Everything follows from the seed.
/// </summary>
internal sealed class StoreModel(int seed)
{
    private const int Versions = 6;
    private const string Root = "/cache";

    private static readonly DiskThresholds Patient = new()
    {
        // Faults come singly here and time plays no part: health has tests of its own.
        FailedWrites = int.MaxValue,
        Stuck = TimeSpan.FromHours(1),
        StuckSync = TimeSpan.FromHours(1),
        Slow = TimeSpan.FromHours(1),
    };

    private readonly Random _random = new(seed);
    private readonly MemoryDisk _disk = new();
    private readonly StillClock _clock = new();
    private readonly List<string> _trace = [];
    private readonly byte[] _buffer = new byte[Geometry.ChunkBytes];
    private ModelVersion[] _versions = [];
    private ChunkStore _store = null!; // opened first
    private int _boot;
    private long _evicted;
    private bool _mayBeCorrupt;
    private bool _mayBeLost;

    /// <summary>How often each kind of fault has struck, over all seeds of this process.</summary>
    public static ConcurrentDictionary<string, int> Struck { get; } = new(StringComparer.Ordinal);

    private static CancellationToken None => CancellationToken.None;

    /// <summary>Runs so many operations; an exception names the seed and the last operations.</summary>
    public async Task RunAsync(int operations)
    {
        try
        {
            _versions = [.. Enumerable.Range(seed * 10, Versions).Select(one => new ModelVersion(_random, one))];
            await OpenAsync();
            for (var index = 0; index < operations; index++)
                await StepAsync(index);
            await RestartAsync(isKill: false, isCut: false);
            await CloseAsync();
            Check(BlockScratch.Rented >= 0, "buffers were given back twice");
        }
        catch (Exception error)
        {
            throw new InvalidOperationException(
                $"seed {seed}: {error.Message}\noperations:\n{string.Join("\n", _trace)}", error);
        }
    }

    private async Task StepAsync(int index)
    {
        var one = _versions[_random.Next(Versions)];
        // The whole chunk of a large version costs as much as a hundred others.
        var chunk = one.ChunkCount == 1 || _random.Next(12) == 0 ? 0 : one.ChunkCount - 1;
        _disk.IsCold = _random.Next(3) == 0;
        _disk.Fault = _random.Next(6) == 0 ? RandomFault() : null;
        var what = _random.Next(1000);
        _trace.Add($"{index}: {what} on {Array.IndexOf(_versions, one)}/{chunk} {_disk.Fault}");
        await (what switch
        {
            < 330 => WriteAsync(one, chunk),
            < 720 => ReadAsync(one, chunk),
            < 790 => SyncAsync(),
            < 830 => HoldAsync(one),
            < 870 => DropAsync(one),
            < 910 => VerdictAsync(one),
            < 940 => SealAsync(one),
            < 965 => RotAsync(),
            < 976 => RestartAsync(isKill: false, isCut: false),
            < 988 => RestartAsync(isKill: true, isCut: false),
            _ => RestartAsync(isKill: true, isCut: true),
        });
        await WaitForRoomAsync();
        if (_disk.Fault is { FiredAt: not null } fault)
        {
            _trace[^1] += $" fired at {fault.FiredAt}";
            Note(fault.Name);
            if (fault.Kills)
            {
                // Of what a write makes room for, nobody can say how far that came.
                await RestartAsync(isKill: true, isCut: _random.Next(2) == 0, isNarrow: what < 330);
                return;
            }

            _mayBeCorrupt |= fault.Kind == FaultKind.Read;
            if (fault.Kind is FaultKind.Read or FaultKind.Sync or FaultKind.Delete)
                await NarrowAsync();
        }

        _disk.Fault = null;
        await NoteEvictedAsync();
        Check(_mayBeCorrupt || _store.Counters.CorruptChunks == 0, "corrupt chunks without a fault");
        Check(_mayBeLost || _store.Counters.LostInCrash == 0, "lost chunks without a crash");
        if (index % 25 == 0)
            await CheckAllAsync(reads: false);
    }

    private DiskFault RandomFault()
    {
        double? share = _random.Next(2) == 0 ? _random.NextDouble() : null;
        return _random.Next(8) switch
        {
            0 => new DiskFault(FaultKind.Open, _random.Next(2), 5),
            1 => new DiskFault(FaultKind.Read, _random.Next(3), 5, share),
            2 => new DiskFault(FaultKind.Sync, _random.Next(3), 5, EndsWrites: _random.Next(2) == 0),
            3 => new DiskFault(FaultKind.Delete, _random.Next(2), 5),
            4 => new DiskFault(FaultKind.Write, _random.Next(5), 28, share),
            5 => new DiskFault(FaultKind.Write, _random.Next(5), 5, share),
            6 => new DiskFault(FaultKind.Write, _random.Next(8), 5, share, Kills: true),
            _ => new DiskFault((FaultKind)_random.Next((int)FaultKind.Sync, (int)FaultKind.Delete + 1),
                _random.Next(3), 5, Kills: true),
        };
    }

    private async Task WriteAsync(ModelVersion one, int chunk)
    {
        using var lease = (await _store.LeaseOrCreateAsync(one.Version, None)).ValueOrDefault;
        if (lease is null)
            return;
        var bytes = one.ChunkOf(chunk);
        var write = new ChunkWrite(chunk, bytes, SampleVersions.BlockCrcs(bytes.Span));
        if (!lease.Version.Has(chunk)
            && await lease.Version.SalvageAsync(chunk, _buffer, None) is { } damaged)
        {
            // As a fetch does: what is good on the disk, and the rest from the origin.
            for (var block = 0; block < Geometry.BlockCount(bytes.Length); block++)
            {
                var place = new Range(block * Geometry.BlockBytes,
                    block * Geometry.BlockBytes + Geometry.BlockLength(bytes.Length, block));
                if ((damaged.BadBlocks & (1u << block)) == 0)
                    Check(_buffer.AsSpan(place).SequenceEqual(bytes.Span[place]), $"block {block} is not what it was");
            }

            write = write with { Blocks = damaged.BadBlocks };
        }

        var (ended, wasHere) = (0, lease.Version.Has(chunk));
        var written = await _store.WriteChunkAsync(lease, write, () => ended++);
        Check(ended == 1, $"the bytes were given back {ended} times");
        // Right after a power cut there may be more, since what was unlinked may be back.
        Check(!written.IsOk || wasHere || _store.Bytes <= _store.Capacity,
            $"{_store.Bytes} bytes are kept in {_store.Capacity}");
        if (lease.Version.IsDropped)
            return;
        Check(!written.IsOk || lease.Version.Has(chunk), "a chunk that was written is not here");
        if (written.IsOk && !one.IsRotten)
            one.Expected.Add(chunk);
        one.Narrow(lease.Version);
    }

    private async Task ReadAsync(ModelVersion one, int chunk)
    {
        var isHeldOne = _random.Next(4) == 0 && one.Held is not null;
        using var lease = isHeldOne ? null : await _store.LeaseAsync(one.Version.Id, None);
        var version = lease?.Version ?? one.Held?.Version;
        if (version is null)
        {
            Check(one.Expected.Count == 0 || _disk.Fault?.FiredAt is not null, "a version with chunks is not here");
            return;
        }

        var length = Geometry.ChunkLength(version.SizeBytes, chunk);
        var at = _random.Next(2) == 0 ? 0 : _random.Next(length);
        var most = _random.Next(3) switch { 0 => length, 1 => _random.Next(1, 5000), _ => Geometry.BlockBytes };
        var read = await version.ReadAsync(
            Geometry.ChunkOffset(chunk) + at, _buffer.AsMemory(0, Math.Min(most, _buffer.Length)), None);
        Check(read.Kind != ReadKind.Hit
            || one.ChunkOf(chunk).Span.Slice(at, read.Bytes).SequenceEqual(_buffer.AsSpan(0, read.Bytes)),
            "wrong bytes");
        Check(read.Kind == ReadKind.Hit || version.IsDropped || !one.Expected.Contains(chunk)
            || _disk.Fault?.FiredAt is not null, $"an expected chunk is {read.Kind}");
    }

    private async Task SyncAsync()
    {
        if (!await _store.SyncAsync())
        {
            // Only a sync that fails may cost what is written; an entry that cannot be written may not.
            Check(_disk.Fault is { FiredAt: not null }, "a sync failed without a fault");
            return;
        }

        foreach (var one in _versions)
            one.Durable.UnionWith(one.Expected);
    }

    private async Task HoldAsync(ModelVersion one)
    {
        if (one.Held is not null)
        {
            one.Held.Dispose();
            one.Held = null;
        }
        else
        {
            one.Held = await _store.LeaseAsync(one.Version.Id, None);
        }
    }

    private async Task DropAsync(ModelVersion one)
    {
        await _store.DropAsync(one.Version.Id);
        one.Forget();
        using var lease = await _store.LeaseAsync(one.Version.Id, None);
        Check(lease is null, "a dropped version is still given");
        // Files that could not be unlinked keep their rot.
        one.IsRotten &= _disk.Find(PathOf(one, ".map")) is not null || _disk.Find(PathOf(one, ".data")) is not null;
        if (_store.PresentBytesOf(one.Version.Id) == 0 && _disk.Fault?.FiredAt is null)
            one.Mapped = null;
    }

    private async Task VerdictAsync(ModelVersion one)
    {
        using var lease = await _store.LeaseAsync(one.Version.Id, None);
        if (lease is { Version.IsComplete: true })
            await _store.WriteVerdictAsync(lease, Verdict.Origin, 7);
    }

    private async Task SealAsync(ModelVersion one)
    {
        using var lease = await _store.LeaseAsync(one.Version.Id, None);
        if (lease is null || !await _store.SealAsync(lease, None) || one.IsRotten)
            return;
        Check(lease.Version.IsComplete, "sealed and not whole");
        one.Mapped = _disk.Find(PathOf(one, ".data"));
    }

    private Task RotAsync()
    {
        var one = _versions[_random.Next(Versions)];
        var path = PathOf(one, _random.Next(2) == 0 ? ".map" : ".data");
        if (_disk.Find(path) is not { Length: > 0 } file)
            return Task.CompletedTask;
        file.FlipBit(_random.NextInt64(file.Length), _random.Next(8), inCache: _random.Next(2) == 0);
        one.Forget();
        Note("flipped bit");
        // Within this time a small read may trust an earlier check.
        _clock.Now += Limits.CheckTrusted;
        (one.IsRotten, one.WasRotten, one.Mapped, _mayBeCorrupt) = (true, true, null, true);
        return Task.CompletedTask;
    }

    private async Task RestartAsync(bool isKill, bool isCut, bool isNarrow = false)
    {
        _disk.Fault = null;
        Note(isCut ? "power cut" : isKill ? "kill" : "clean restart");
        if (isKill)
            _disk.Kill();
        await CloseAsync();
        if (!isKill)
            foreach (var one in _versions)
                one.Durable.UnionWith(one.Expected);
        if (isCut)
        {
            _disk.CutPower(_random);
            (_boot, _mayBeLost) = (_boot + 1, true);
            foreach (var one in _versions)
            {
                one.Expected.IntersectWith(one.Durable);
                // What was unlinked may be back, with whatever rot it had, and mappings ended with the machine.
                one.Mapped = null;
                one.IsRotten = one.WasRotten;
                if (one.IsRotten)
                    one.Forget();
            }
        }

        await OpenAsync();
        // What was unlinked and came back with the machine may be more than there is room for.
        await WaitForRoomAsync();
        if (isNarrow)
            await NarrowAsync();
        await NoteEvictedAsync();
        await CheckAllAsync(reads: true);
    }

    private async Task OpenAsync()
    {
        _store = ChunkStore.Open(
            [new DiskOptions(Root, 4_000_000 + (seed % 7) * 3_000_000L)],
            new StoreContext(
                NullLogger.Instance, _clock, new StoreCounters(), _disk, static _ => false, $"boot {_boot}")
            {
                Thresholds = Patient,
            });
        _evicted = 0;
        await _store.Scan;
    }

    private async Task CloseAsync()
    {
        foreach (var one in _versions)
        {
            one.Held?.Dispose();
            one.Held = null;
        }

        await _store.DisposeAsync();
        Check(_disk.OpenFiles == 0, $"{_disk.OpenFiles} files are still open");
    }

    /// <summary>Room is made in the background: what goes for it has gone before anything is compared.</summary>
    private Task WaitForRoomAsync() => Eventually.HoldsAsync(
        "room is made", () => new(!_store.IsMakingRoom), () => _trace[^1], TimeSpan.FromSeconds(20), None);

    private async Task NoteEvictedAsync()
    {
        if (_store.Counters.EvictedBytes == _evicted)
            return;
        _evicted = _store.Counters.EvictedBytes;
        await NarrowAsync();
    }

    private async Task NarrowAsync()
    {
        _disk.Fault = null;
        foreach (var one in _versions)
        {
            using var lease = await _store.LeaseAsync(one.Version.Id, None);
            one.Narrow(lease?.Version);
        }
    }

    /// <summary>Accounts against versions, the model against the store, mappings against contents.</summary>
    private async Task CheckAllAsync(bool reads)
    {
        long bytes = 0;
        foreach (var (index, one) in _versions.Index())
        {
            using var lease = await _store.LeaseAsync(one.Version.Id, None);
            for (var chunk = 0; chunk < one.ChunkCount; chunk++)
            {
                Check(!one.Expected.Contains(chunk) || lease?.Version.Has(chunk) == true,
                    $"chunk {chunk} of {index} is not here ({(one.Durable.Contains(chunk) ? "durable" : "written")})");
                if (reads && lease is not null)
                    await CheckChunkAsync(one, lease.Version, chunk);
                if (reads && lease?.Version.StateOf(chunk) == ChunkState.Durable)
                    CheckMedium(one, chunk);
            }

            var present = lease?.Version.PresentBytes ?? 0;
            var accounted = _store.PresentBytesOf(one.Version.Id);
            // A version that cannot be leased and still counts is one that could not be unlinked.
            Check(lease is null || present == accounted, $"version {index} has {present} bytes, accounted {accounted}");
            bytes += accounted;
            CheckMapped(one);
        }

        Check(_store.Bytes == bytes, $"the accounts say {_store.Bytes} bytes, the versions {bytes}");
    }

    private async Task CheckChunkAsync(ModelVersion one, VersionFile version, int chunk)
    {
        var (length, here) = (Geometry.ChunkLength(version.SizeBytes, chunk), version.Has(chunk));
        for (var done = 0; done < length;)
        {
            var read = await version.ReadAsync(
                Geometry.ChunkOffset(chunk) + done, _buffer.AsMemory(0, length - done), None);
            if (read.Kind != ReadKind.Hit)
            {
                Check(!one.Expected.Contains(chunk),
                    $"chunk {chunk} of {Array.IndexOf(_versions, one)} is expected and {read.Kind} after a restart");
                Check(!version.Has(chunk), here ? "a bad chunk is still here" : "a chunk is here and is not read");
                return;
            }

            Check(one.ChunkOf(chunk).Span.Slice(done, read.Bytes).SequenceEqual(_buffer.AsSpan(0, read.Bytes)),
                "wrong bytes after a restart");
            done += read.Bytes;
        }
    }

    /// <summary>What counts as durable is on the medium.</summary>
    private void CheckMedium(ModelVersion one, int chunk)
    {
        if (one.WasRotten)
            return;
        var isInline = MapLayout.IsInline(one.Version.SizeBytes);
        var bytes = one.ChunkOf(chunk).Span;
        var read = _disk.Find(PathOf(one, isInline ? ".map" : ".data"))!.Read(
            _buffer.AsSpan(0, bytes.Length),
            isInline ? MapLayout.InlineOffset(one.ChunkCount) : Geometry.ChunkOffset(chunk), fromMedium: true);
        Check(bytes.SequenceEqual(_buffer.AsSpan(0, read)), $"chunk {chunk} is durable and not on the medium");
    }

    private void CheckMapped(ModelVersion one)
    {
        if (one.Mapped is not { } file)
            return;
        for (long at = 0; at < file.Length; at += _buffer.Length)
        {
            var read = file.Read(_buffer, at);
            Check(one.Content.Span.Slice((int)at, read).SequenceEqual(_buffer.AsSpan(0, read)),
                "a sealed file has changed under those who map it");
        }
    }

    private static string PathOf(ModelVersion one, string extension) =>
        Path.Combine(Root, "versions", one.Version.Id.ToString()[..2], one.Version.Id + extension);

    private static void Note(string what) => Struck.AddOrUpdate(what, 1, static (_, count) => count + 1);

    private static void Check(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvalidOperationException(otherwise);
    }
}
