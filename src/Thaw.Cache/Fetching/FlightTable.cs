using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Memory;
using Thaw.Cache.Verifying;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Core.Planning;
using Thaw.Storage;

namespace Thaw.Cache.Fetching;

/// <summary>
/// Single flight for chunks, and the order in which they are fetched under the memory cap.
/// <para>Invariants: at most one flight for a chunk; a chunk that is on disk has none (a flight leaves the table only
/// after its chunk was entered, and a new one starts only after the store was asked under the same lock); buffers are
/// rented by priority, and the shares leave room for readers who stand still.</para>
/// <para>Flights that wait for another node never take the memory of those that do not, or that another node waits for:
/// two nodes full of flights that wait for each other would wait for ever.</para>
/// <para>A fetch that has begun is finished even if nobody waits any more: its bytes are paid for, and the next reader
/// finds them. One that is still queued goes when its last interest goes.</para>
/// </summary>
internal sealed class FlightTable : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(ContentId, int), ChunkFlight> _flights = [];
    private readonly Queue<ChunkFlight>[] _queues = [new(), new(), new()];
    private readonly Queue<ChunkFlight>[] _remoteQueues = [new(), new(), new()];
    private readonly LinkedList<ChunkFlight> _resident = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IChunkSource _source;
    private readonly ChunkStore _store;
    private readonly FlightKeeper _keeper;
    private readonly HashSet<ChunkFlight> _forOthers = [];
    private readonly OwnShare _ownShare = new();
    private readonly CacheMeter _meter;
    private readonly ILogger _logger;
    private static readonly Failure Stopping = new(FailureKind.Stopping, "The node is stopping; ask another one.");
    private int _running;
    private int _remoteRunning;
    private long _remoteBytes;
    private long _residentBytes;
    private bool _isPumping;
    private volatile bool _isStarved;
    private bool _stopped;

    public FlightTable(
        IChunkSource source, ChunkStore store, ChunkBuffers buffers, VersionVerifier verifier, CacheMeter meter,
        ILogger<FlightTable> logger)
    {
        (_source, _store, Buffers, _meter, _logger) = (source, store, buffers, meter, logger);
        _keeper = new FlightKeeper(store, verifier);
        buffers.Returned = MemoryReturned;
        verifier.Dropped = DropVersion;
    }

    public ChunkBuffers Buffers { get; }

    /// <summary>Told of each chunk that is on disk from then on.</summary>
    public Action<FetchSource, int> Kept { get; set; } = static (_, _) => { };

    /// <summary>Chunks being fetched or kept.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>
    /// Takes an interest in a chunk: its flight, begun if need be, or null when the chunk is on disk. Every flight that
    /// is returned is left once.
    /// </summary>
    /// <param name="source">The version.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="priority">Who waits.</param>
    /// <param name="cause">Why, for the ledger.</param>
    /// <param name="isForPeer">Another node waits for it.</param>
    public ChunkFlight? Join(
        FetchSource source, int chunk, FetchPriority priority, OriginCause cause, bool isForPeer = false)
    {
        ChunkFlight? flight;
        lock (_gate)
        {
            var key = (source.Version.Id, chunk);
            if (!_flights.TryGetValue(key, out flight))
            {
                if (_store.Has(source.Version.Id, chunk))
                    return null;
                flight = new ChunkFlight(source, chunk, priority, cause)
                {
                    IsRemote = !isForPeer && _source.IsRemote(source, chunk),
                };
                if (_stopped)
                {
                    flight.Fail(Stopping);
                    return flight;
                }

                _flights.Add(key, flight);
                QueueOf(flight).Enqueue(flight);
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

            if (isForPeer && flight is { IsRemote: true, State: FlightState.Queued })
            {
                flight.IsRemote = false;
                QueueOf(flight).Enqueue(flight);
            }

            flight.IsForPeer |= isForPeer;
            flight.Interests++;
            flight.IsWanted |= priority == FetchPriority.Job;
        }

        Pump();
        return flight;
    }

    /// <summary>
    /// Takes an interest in a chunk that is being fetched or is in memory; null when it is neither. Left once.
    /// </summary>
    public ChunkFlight? TryJoin(ContentId id, int chunk)
    {
        lock (_gate)
        {
            if (!_flights.TryGetValue((id, chunk), out var flight))
                return null;
            flight.Interests++;
            return flight;
        }
    }

    /// <summary>Whether a chunk is being fetched, or whole and in memory.</summary>
    public bool Has(ContentId id, int chunk)
    {
        lock (_gate)
            return _flights.ContainsKey((id, chunk));
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
            QueueOf(flight).Enqueue(flight);
    }

    private Queue<ChunkFlight> QueueOf(ChunkFlight flight) =>
        (flight.IsRemote ? _remoteQueues : _queues)[(int)flight.Priority];

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
        StartQueued(_queues, isRemote: false);
        StartQueued(_remoteQueues, isRemote: true);
    }

    private void StartQueued(Queue<ChunkFlight>[] queues, bool isRemote)
    {
        for (var priority = 0; priority < queues.Length; priority++)
        {
            var queue = queues[priority];
            while (queue.TryPeek(out var flight))
            {
                // A flight that was promoted or dropped meanwhile leaves a stale place behind.
                if (flight.State != FlightState.Queued || (int)flight.Priority != priority
                    || flight.IsRemote != isRemote)
                {
                    queue.Dequeue();
                    continue;
                }

                // A reader who stands still is not kept waiting for others' sake.
                if (isRemote && flight.Priority != FetchPriority.Demand && _remoteRunning >= _ownShare.Chunks)
                    return;
                if (_stopped || TryRent(flight) is not { } buffer)
                {
                    _isStarved = true;
                    return;
                }

                queue.Dequeue();
                flight.Start(buffer);
                flight.State = FlightState.Running;
                _running++;
                if (isRemote)
                {
                    _remoteRunning++;
                    _remoteBytes += flight.Length;
                }
                else
                {
                    _forOthers.Add(flight);
                }

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
        if (flight.IsRemote)
            share--;
        var used = flight.IsRemote ? _remoteBytes : Buffers.UsedBytes - _residentBytes - _remoteBytes;
        if (share < 4 && (flight.IsRemote ? _remoteRunning : _running - _remoteRunning) > 0
            && used + flight.Length > Buffers.CapacityBytes / 4 * share)
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
            if (await _source.FetchAsync(flight, _stopping.Token).ConfigureAwait(false) is { } failure)
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
            Ended(flight);
        }
    }

    private void Ended(ChunkFlight? fetched = null)
    {
        lock (_gate)
        {
            if (fetched is { IsRemote: true })
            {
                _remoteRunning--;
                _remoteBytes -= fetched.Length;
                _ownShare.OwnCame();
            }

            if (fetched is not null)
                ShareWithOthers(fetched);

            if (--_running == 0 && _stopped)
                _drained.TrySetResult();
        }

        Pump();
    }

    /// <summary>What other nodes wait for comes through the same link as what this one fetches for itself.</summary>
    private void ShareWithOthers(ChunkFlight ended)
    {
        var now = Stopwatch.GetElapsedTime(0);
        foreach (var flight in _forOthers)
            if (flight.IsForPeer && !flight.IsWhole)
                _ownShare.OtherCame(flight.Elapsed, now);
        if (_forOthers.Remove(ended) && ended is { IsForPeer: true, IsWhole: true })
            _ownShare.OtherCame(ended.FetchTime, now);
    }

    private async Task SettleAsync(ChunkFlight flight)
    {
        lock (_gate)
            flight.State = FlightState.Settling;
        var kept = false;
        try
        {
            kept = await _keeper.KeepAsync(flight).ConfigureAwait(false);
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
        if (kept)
            Kept(flight.Source, flight.Chunk);
        if (kept || flight.IsTainted)
            flight.Release(onlyIfUnpinned: false);
    }

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
