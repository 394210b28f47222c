using System.Runtime.CompilerServices;
using Thaw.Cache.Fetching;
using Thaw.Cache.Verifying;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Reading;

/// <summary>
/// Reads one range of one version, front to back: from disk what is there, else from the chunks' flights, with a window
/// of chunks asked for ahead. One caller at a time. It holds a lease on the version and an interest in each flight of
/// its window; both end with it.
/// </summary>
internal sealed class RangeReader : IRangeReader
{
    private readonly FetchSource _source;
    private readonly ChunkStore _store;
    private readonly FlightTable _flights;
    private readonly VersionVerifier _verifier;
    private readonly CacheMeter _meter;
    private readonly Face _face;
    private readonly long _end;
    private readonly ReadWindow _window;
    private RunningCrc _sum;
    private readonly bool _isWhole;
    private bool _sums;
    private bool _hasBegun;
    private VersionLease? _lease;
    private Failure? _failure;
    private OriginCause _cause = OriginCause.Reader;
    private long _position;
    private long _unnoted;
    private bool _disposed;

    public RangeReader(
        FetchSource source, ByteRange range, Face face, ChunkStore store, FlightTable flights, VersionVerifier verifier,
        CacheMeter meter)
    {
        (_source, _face, _store, _flights, _verifier, _meter) = (source, face, store, flights, verifier, meter);
        (_position, _end) = (range.Start, range.End);
        _window = new ReadWindow(source, flights, range);
        _isWhole = range == ByteRange.All(source.Version.SizeBytes);
        // From memory: a version that is not open is opened by the first read, which can wait for the disk.
        if (store.TryLeaseOpen(source.Version.Id) is { } lease)
            Begin(lease);
        meter.ReaderOpened();
    }

    public ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_failure is not null)
            return new ValueTask<Result<int>>(_failure);
        if (_position == _end || destination.IsEmpty)
            return new ValueTask<Result<int>>(0);
        if (_lease is null || _sums)
            return ReadSlowAsync(destination, default, isBegun: false, cancellationToken);
        var read = _lease.Version.ReadAsync(_position, Limit(destination), cancellationToken);
        if (!read.IsCompletedSuccessfully)
            return ReadSlowAsync(destination, read, isBegun: true, cancellationToken);
        var outcome = read.Result;
        return outcome.Kind == ReadKind.Hit
            ? new ValueTask<Result<int>>(AdvanceStored(outcome.Bytes))
            : ReadSlowAsync(
                destination, new ValueTask<ReadOutcome>(outcome), isBegun: true, cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        if (_disposed)
            return ValueTask.CompletedTask;
        _disposed = true;
        NoteRead();
        _window.Dispose();
        _lease?.Dispose();
        _source.Catalog.NoteUsed(_source.Key);
        _meter.ReaderClosed();
        return ValueTask.CompletedTask;
    }

    private void Begin(VersionLease? lease)
    {
        _hasBegun = true;
        _lease = lease;
        // Whoever reads the whole of a version that has no verdict yet checks the origin's sum on the way.
        _sums = _isWhole && _source.Version.Sum is { Kind: SumKind.Crc32C }
            && _lease?.Version.Verdict != Storage.Format.Verdict.Origin;
        if (_lease is { Version: { IsComplete: true, Verdict: Storage.Format.Verdict.None } })
            _ = _verifier.Enqueue(_source);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Result<int>> ReadSlowAsync(
        Memory<byte> destination, ValueTask<ReadOutcome> begun, bool isBegun, CancellationToken cancellationToken)
    {
        if (!_hasBegun)
            Begin(await _store.LeaseAsync(_source.Version.Id, cancellationToken).ConfigureAwait(false));
        var limited = Limit(destination);
        // The first turn may carry a read that was begun without waiting; a default one is a miss.
        var outcome = await begun.ConfigureAwait(false);
        var isFirst = isBegun;
        for (var attempt = 0; attempt < Limits.ReadAttempts; attempt++)
        {
            if (!isFirst)
                outcome = await ReadStoredAsync(limited, cancellationToken).ConfigureAwait(false);
            isFirst = false;
            if (outcome.Kind == ReadKind.Hit)
                return await CheckAsync(limited, AdvanceStored(outcome.Bytes)).ConfigureAwait(false);
            if (outcome.Kind == ReadKind.Bad)
                _cause = OriginCause.Retry;
            var fetched = await ReadFlightAsync(limited, cancellationToken).ConfigureAwait(false);
            if (fetched.Failure is { } failure)
                return _failure = failure;
            if (fetched.Value > 0)
                return await CheckAsync(limited, fetched.Value).ConfigureAwait(false);
        }

        return _failure = new Failure(FailureKind.Corrupt,
            $"{_source.Key} could not be read: its chunk at byte {_position} is lost as often as it is fetched.",
            RetryAdvice.Later);
    }

    private async ValueTask<ReadOutcome> ReadStoredAsync(
        Memory<byte> destination, CancellationToken cancellationToken)
    {
        // A dropped version is read on as far as it goes; what it lacks comes from its successor. What is on a disk
        // that cannot be read comes from where it was kept since.
        if (_lease is null || !_lease.Version.IsReadable
            || (_lease.Version.IsDropped && !_lease.Version.Has(Geometry.ChunkAt(_position))))
        {
            _lease?.Dispose();
            _lease = null;
            _lease = await _store.LeaseAsync(_source.Version.Id, cancellationToken).ConfigureAwait(false);
        }

        if (_lease is not null && !_lease.Version.Has(Geometry.ChunkAt(_position))
            && _store.TryLeaseOpen(_source.Version.Id, Geometry.ChunkAt(_position)) is { } other)
        {
            _lease.Dispose();
            _lease = other;
        }

        return _lease is null
            ? ReadOutcome.Miss
            : await _lease.Version.ReadAsync(_position, destination, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Bytes of the present chunk from its flight; 0 when it is on disk by now.</summary>
    private async ValueTask<Result<int>> ReadFlightAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        var chunk = Geometry.ChunkAt(_position);
        var flight = _window.Demand(chunk, _cause);
        if (flight is null || !flight.TryPin())
            return 0;
        try
        {
            var offset = (int)(_position - Geometry.ChunkOffset(chunk));
            var inTime = flight.IsWhole;
            if (await WaitAsync(flight, offset, cancellationToken).ConfigureAwait(false) is { } failure)
                return failure;
            if (!inTime)
                _window.NoteWait();
            var bytes = flight.Copy(offset, destination.Span);
            return Advance(
                bytes, inTime && flight.Settled.IsCompleted ? Tier.Local : flight.Tier, flight.BlockCrcs);
        }
        finally
        {
            flight.Unpin();
        }
    }

    /// <summary>
    /// While one node lets the reader wait for a chunk that does not begin to come, the others need not: the window
    /// grows. One whose blocks come, however slowly, says nothing of the others: the origin may be what is slow, and
    /// more at once would make each slower.
    /// </summary>
    private async ValueTask<Failure?> WaitAsync(ChunkFlight flight, int offset, CancellationToken cancellationToken)
    {
        var waiting = flight.WaitAsync(offset, cancellationToken);
        if (waiting.IsCompleted || !flight.IsRemote || flight.ReadyBlocks > 0)
            return await waiting.ConfigureAwait(false);
        var begun = waiting.AsTask();
        while (await Task.WhenAny(begun, Task.Delay(ReadWindow.Patience, cancellationToken)).ConfigureAwait(false)
            != begun && !cancellationToken.IsCancellationRequested)
            _window.Widen();
        return await begun.ConfigureAwait(false);
    }

    /// <summary>Before the last bytes of a version leave, its whole is compared with the origin's sum.</summary>
    private async ValueTask<Result<int>> CheckAsync(Memory<byte> read, int bytes)
    {
        if (!_sums || _position != _end)
            return bytes;
        if (_source.Version.Sum!.Matches(RunningCrc.ToBytes(_sum.Value)))
            return bytes;
        read.Span[..bytes].Clear();
        await _verifier.ReportMismatchAsync(_source).ConfigureAwait(false);
        return _failure = new Failure(FailureKind.Corrupt,
            $"{_source.Key} does not match the sum that {_source.Catalog.Origin.Name} publishes; read it again, and "
                + "check the object there.",
            RetryAdvice.Later);
    }

    private int Advance(int bytes, Tier tier, uint[]? blockCrcs)
    {
        _source.Catalog.Meter.AddServed(_face, tier, bytes);
        if (_sums && EndsChunk(_position + bytes))
        {
            // Without the list, as when a chunk was lost and came back in between, the verifier alone decides.
            _sums = blockCrcs is not null;
            if (_sums)
                _sum.Add(blockCrcs, Geometry.ChunkLength(_source.Version.SizeBytes, Geometry.ChunkAt(_position)));
        }

        _position += bytes;
        _unnoted += bytes;
        if (_unnoted >= Geometry.ChunkBytes)
            NoteRead();
        if (_position < _end)
            _window.MoveTo(Geometry.ChunkAt(_position), _lease?.Version);
        return bytes;
    }

    private int AdvanceStored(int bytes)
    {
        // Whoever shared a chunk's fetch counts as served from there, even if the disk was quicker in the end.
        var chunk = Geometry.ChunkAt(_position);
        return Advance(
            bytes, _window.TierOf(chunk) ?? Tier.Local,
            _sums ? _lease!.Version.TryGetBlockCrcs(chunk) : null);
    }

    private void NoteRead()
    {
        if (_unnoted > 0)
            _store.NoteRead(_source.Version.Id, _source.Version.SizeBytes, _unnoted);
        _unnoted = 0;
    }

    private bool EndsChunk(long position) =>
        position % Geometry.ChunkBytes == 0 || position == _source.Version.SizeBytes;

    private Memory<byte> Limit(Memory<byte> destination) =>
        destination.Length <= _end - _position ? destination : destination[..(int)(_end - _position)];
}
