using Microsoft.Extensions.Logging;
using Thaw.Cache.Memory;
using Thaw.Cache.Verifying;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Fetching;

/// <summary>
/// Single flight for chunks, and the order in which they are fetched under the memory cap.
/// <para>Invariants: at most one flight for a chunk; a chunk that is on disk has none (a flight leaves the table only
/// after its chunk was entered, and a new one starts only after the store was asked under the same lock); buffers are
/// rented by priority, and the shares leave room for readers who stand still.</para>
/// <para>A fetch that has begun is finished even if nobody waits any more: its bytes are paid for, and the next reader
/// finds them. One that is still queued goes when its last interest goes.</para>
/// </summary>
internal sealed class FlightTable : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ContentId, int), ChunkFlight> _flights = [];
    private readonly Queue<ChunkFlight>[] _queues = [new(), new(), new()];
    private readonly LinkedList<ChunkFlight> _resident = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ChunkStore _store;
    private readonly VersionVerifier _verifier;
    private readonly CacheMeter _meter;
    private readonly ILogger _logger;
    private static readonly Failure Stopping = new(FailureKind.Stopping, "The node is stopping; ask another one.");
    private int _running;
    private long _residentBytes;
    private bool _isPumping;
    private volatile bool _isStarved;
    private bool _stopped;

    public FlightTable(
        ChunkStore store, ChunkBuffers buffers, VersionVerifier verifier, CacheMeter meter, ILogger<FlightTable> logger)
    {
        (_store, Buffers, _verifier, _meter, _logger) = (store, buffers, verifier, meter, logger);
        buffers.Returned = MemoryReturned;
        verifier.Dropped = DropVersion;
    }

    public ChunkBuffers Buffers { get; }

    /// <summary>Chunks being fetched or kept.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>
    /// Takes an interest in a chunk: its flight, begun if need be, or null when the chunk is on disk. Every flight that
    /// is returned is left once.
    /// </summary>
    public ChunkFlight? Join(FetchSource source, int chunk, FetchPriority priority, OriginCause cause)
    {
        ChunkFlight? flight;
        lock (_gate)
        {
            var key = (source.Version.Id, chunk);
            if (!_flights.TryGetValue(key, out flight))
            {
                if (_store.Has(source.Version.Id, chunk))
                    return null;
                flight = new ChunkFlight(source, chunk, priority, cause);
                if (_stopped)
                {
                    flight.Fail(Stopping);
                    return flight;
                }

                _flights.Add(key, flight);
                _queues[(int)priority].Enqueue(flight);
            }
            else if (flight.State == FlightState.Resident && priority == FetchPriority.Job)
            {
                // A job wants it on disk: there may be room by now.
                KeepAgain(flight);
            }
            else if (priority < flight.Priority)
            {
                Promote(flight, priority);
            }

            flight.Interests++;
            flight.IsWanted |= priority == FetchPriority.Job;
        }

        Pump();
        return flight;
    }

    /// <summary>
    /// Someone stands still until this flight comes; false when it is over and a new one must be joined.
    /// </summary>
    public bool TryRaise(ChunkFlight flight)
    {
        lock (_gate)
        {
            if (flight.State == FlightState.Gone)
                return false;
            if (flight.Priority == FetchPriority.Demand)
                return true;
            Promote(flight, FetchPriority.Demand);
        }

        Pump();
        return true;
    }

    /// <summary>Gives an interest up.</summary>
    public void Leave(ChunkFlight flight)
    {
        lock (_gate)
        {
            if (--flight.Interests == 0 && flight.State == FlightState.Queued)
                Forget(flight);
        }
    }

    /// <summary>Stops fetching and waits for what is under way.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _stopped = true;
            foreach (var flight in _flights.Values.Where(flight => flight.State == FlightState.Queued).ToArray())
            {
                Forget(flight);
                flight.Fail(Stopping);
            }

            if (_running == 0)
                _drained.TrySetResult();
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _drained.Task.ConfigureAwait(false);
        lock (_gate)
        {
            foreach (var flight in _resident)
                flight.Release(onlyIfUnpinned: false);
            _resident.Clear();
        }

        _stopping.Dispose();
    }

    /// <summary>The bytes of a version are not the origin's: nothing of it is handed out or kept any more.</summary>
    public void DropVersion(ContentId id)
    {
        lock (_gate)
        {
            foreach (var flight in _flights.Values.Where(flight => flight.Source.Version.Id == id).ToArray())
            {
                flight.IsTainted = true;
                if (flight.State == FlightState.Resident)
                    Evict(flight);
            }
        }

        Pump();
    }

    /// <summary>Memory has come back: whoever waits for it goes on.</summary>
    private void MemoryReturned()
    {
        if (_isStarved)
            Pump();
    }

    private void KeepAgain(ChunkFlight flight)
    {
        _resident.Remove(flight);
        _residentBytes -= flight.Length;
        flight.SettleAgain();
        _running++;
        _ = Task.Run(() => KeepAgainAsync(flight));
    }

    // Owned by the table: counted in _running, which DisposeAsync waits for.
    private async Task KeepAgainAsync(ChunkFlight flight)
    {
        try
        {
            await SettleAsync(flight).ConfigureAwait(false);
        }
        finally
        {
            Ended();
        }
    }

    private void Promote(ChunkFlight flight, FetchPriority priority)
    {
        flight.Priority = priority;
        if (flight.State == FlightState.Queued)
            _queues[(int)priority].Enqueue(flight);
    }

    private void Forget(ChunkFlight flight)
    {
        flight.State = FlightState.Gone;
        _flights.Remove((flight.Source.Version.Id, flight.Chunk));
    }

    /// <summary>Starts queued flights, readers first, as far as the memory goes.</summary>
    private void Pump()
    {
        lock (_gate)
        {
            // Evicting gives memory back, which would pump once more from within.
            if (_isPumping)
                return;
            _isPumping = true;
            try
            {
                StartQueued();
            }
            finally
            {
                _isPumping = false;
            }
        }
    }

    private void StartQueued()
    {
        _isStarved = false;
        for (var priority = 0; priority < _queues.Length; priority++)
        {
            var queue = _queues[priority];
            while (queue.TryPeek(out var flight))
            {
                // A flight that was promoted or dropped meanwhile leaves a stale place behind.
                if (flight.State != FlightState.Queued || (int)flight.Priority != priority)
                {
                    queue.Dequeue();
                    continue;
                }

                if (_stopped || TryRent(flight) is not { } buffer)
                {
                    _isStarved = true;
                    return;
                }

                queue.Dequeue();
                flight.Start(buffer);
                flight.State = FlightState.Running;
                _running++;
                _ = Task.Run(() => RunAsync(flight));
            }
        }
    }

    private ChunkBuffer? TryRent(ChunkFlight flight)
    {
        // What is resident goes whenever memory is needed.
        var share = flight.Priority switch
        {
            FetchPriority.Demand => 4,
            FetchPriority.ReadAhead => 3,
            _ => 2,
        };
        if (share < 4 && _running > 0
            && Buffers.UsedBytes - _residentBytes + flight.Length > Buffers.CapacityBytes / 4 * share)
            return null;
        while (true)
        {
            if (Buffers.TryRent(flight.Length) is { } buffer)
                return buffer;
            if (!EvictResident())
                return null;
        }
    }

    private bool EvictResident()
    {
        foreach (var flight in _resident)
        {
            if (!flight.Release(onlyIfUnpinned: true))
                continue;
            Evict(flight);
            return true;
        }

        return false;
    }

    private void Evict(ChunkFlight flight)
    {
        Forget(flight);
        _resident.Remove(flight);
        _residentBytes -= flight.Length;
        flight.Release(onlyIfUnpinned: false);
    }

    // Owned by the table: counted in _running, which DisposeAsync waits for.
    private async Task RunAsync(ChunkFlight flight)
    {
        try
        {
            if (await FetchAsync(flight).ConfigureAwait(false) is { } failure)
            {
                Fail(flight, failure);
            }
            else
            {
                _meter.ChunkFetched(flight.FetchTime);
                await SettleAsync(flight).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            Fail(flight, Stopping);
        }
        catch (Exception error)
        {
            Log.FlightBroke(_logger, flight.Source.Key, flight.Chunk, error);
            Fail(flight, new Failure(FailureKind.OriginProtocol,
                $"Chunk {flight.Chunk} of {flight.Source.Key} could not be fetched: {error.Message}"));
        }
        finally
        {
            Ended();
        }
    }

    private void Ended()
    {
        lock (_gate)
        {
            if (--_running == 0 && _stopped)
                _drained.TrySetResult();
        }

        Pump();
    }

    private async Task<Failure?> FetchAsync(ChunkFlight flight)
    {
        if (await SalvageAsync(flight).ConfigureAwait(false) is { } damaged
            && await RepairAsync(flight, damaged).ConfigureAwait(false))
            return null;
        return await ReceiveAsync(flight, 0, flight.Length, flight.Publish).ConfigureAwait(false);
    }

    /// <summary>What the disk still has of a chunk that was found damaged, in the flight's buffer.</summary>
    private async Task<DamagedChunk?> SalvageAsync(ChunkFlight flight)
    {
        using var lease = await _store.LeaseAsync(flight.Source.Version.Id, _stopping.Token).ConfigureAwait(false);
        if (lease is null || flight.Chunk >= lease.Version.ChunkCount)
            return null;
        var damaged = await lease.Version.SalvageAsync(
            flight.Chunk, flight.Buffer.Memory[..flight.Length], _stopping.Token).ConfigureAwait(false);
        return damaged?.BadBlocks == uint.MaxValue >> (32 - Geometry.BlockCount(flight.Length)) ? null : damaged;
    }

    /// <summary>
    /// Fetches the bad blocks alone. False if that does not make the chunk that it was: then all of it is fetched, and
    /// the origin decides.
    /// </summary>
    private async Task<bool> RepairAsync(ChunkFlight flight, DamagedChunk damaged)
    {
        for (var block = 0; block < Geometry.BlockCount(flight.Length); block++)
        {
            if ((damaged.BadBlocks & (1u << block)) == 0)
                continue;
            var first = block;
            while (block + 1 < Geometry.BlockCount(flight.Length) && (damaged.BadBlocks & (1u << (block + 1))) != 0)
                block++;
            var end = Math.Min(flight.Length, (block + 1) * Geometry.BlockBytes);
            if (await ReceiveAsync(flight, first * Geometry.BlockBytes, end, static _ => { }).ConfigureAwait(false)
                is not null)
                return false;
            for (; first <= block; first++)
                if (flight.ComputeCrc(first) != damaged.BlockCrcs[first])
                    return false;
        }

        flight.WrittenBlocks = damaged.BadBlocks;
        flight.Publish(flight.Length);
        return true;
    }

    /// <summary>Receives a part of the chunk into its place.</summary>
    private async Task<Failure?> ReceiveAsync(ChunkFlight flight, int start, int end, Action<int> progress)
    {
        var source = flight.Source;
        var range = new ByteRange(Geometry.ChunkOffset(flight.Chunk) + start, end - start);
        var read = new OriginRead(source.Key, source.Version, range, flight.Cause);
        var opened = await source.Catalog.Origin.OpenAsync(read, _stopping.Token).ConfigureAwait(false);
        if (!opened.TryGet(out var body, out var refused))
            return refused;
        await using (body.ConfigureAwait(false))
        {
            for (var received = start; received < end;)
            {
                var piece = await body.ReadAsync(flight.Buffer.Memory[received..end], _stopping.Token)
                    .ConfigureAwait(false);
                if (!piece.TryGet(out var bytes, out var failure))
                    return failure;
                if (bytes == 0)
                    return new Failure(FailureKind.OriginProtocol,
                        $"{source.Catalog.Origin.Name} sent too few bytes of {source.Key}.", RetryAdvice.Later);
                received += bytes;
                progress(received);
            }
        }

        return null;
    }

    private async Task SettleAsync(ChunkFlight flight)
    {
        lock (_gate)
            flight.State = FlightState.Settling;
        var kept = false;
        try
        {
            kept = await KeepAsync(flight).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            // The bytes are good; only keeping them failed.
            Log.FlightBroke(_logger, flight.Source.Key, flight.Chunk, error);
        }

        lock (_gate)
        {
            if (kept || flight.IsTainted)
            {
                Forget(flight);
            }
            else
            {
                flight.State = FlightState.Resident;
                _resident.AddLast(flight);
                _residentBytes += flight.Length;
            }
        }

        flight.Settle(kept);
        if (kept || flight.IsTainted)
            flight.Release(onlyIfUnpinned: false);
    }

    /// <summary>
    /// Writes the chunk if it is worth it; once more if its version was dropped meanwhile, which makes the files anew.
    /// </summary>
    private async Task<bool> KeepAsync(ChunkFlight flight)
    {
        for (var isRetry = false; ; isRetry = true)
        {
            if (flight.IsTainted || !_store.IsWorth(flight.Source.Version, flight.Length, WishOf(flight)))
                return false;
            var leased = await _store.LeaseOrCreateAsync(flight.Source.Version, CancellationToken.None)
                .ConfigureAwait(false);
            if (!leased.TryGet(out var lease, out _))
                return false;
            using (lease)
            {
                // The disk's own pin: a stuck disk keeps this buffer, and no other, until it answers.
                if (!flight.TryPin())
                    return false;
                var write = new ChunkWrite(
                    flight.Chunk, flight.Buffer.Memory[..flight.Length], flight.BlockCrcs, flight.Crc64,
                    flight.WrittenBlocks);
                var written = await _store.WriteChunkAsync(lease, write, flight.Unpin).ConfigureAwait(false);
                if (lease.Version.IsDropped && !isRetry)
                    continue;
                if (written.IsOk && lease.Version.IsComplete)
                    _ = _verifier.Enqueue(flight.Source);
                return written.IsOk;
            }
        }
    }

    private static KeepWish WishOf(ChunkFlight flight) =>
        flight.IsWanted || flight.Source.Catalog.Config.Keep == KeepMode.Always ? KeepWish.Always : KeepWish.IfWorth;

    private void Fail(ChunkFlight flight, Failure failure)
    {
        lock (_gate)
            Forget(flight);
        if (failure.Kind is FailureKind.VersionChanged or FailureKind.NotFound)
            flight.Source.Catalog.Invalidate(flight.Source.Key);
        flight.Fail(failure);
        flight.Release(onlyIfUnpinned: false);
    }
}
