using System.Diagnostics;
using Thaw.Cache.Fetching;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Metering;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Reading;

/// <summary>
/// The chunks that a reader stands at and will come to: one interest in each of their flights. It begins narrow, so
/// that a reader of a header fetches little. While the reader has to wait, it aims at twice what keeps the way to the
/// origin full: the shortest fetch seen, divided by the time from chunk to chunk. More would only queue there, and
/// touch memory for nothing. Used by one reader at a time.
/// </summary>
internal sealed class ReadWindow(FetchSource source, FlightTable flights, ByteRange range) : IDisposable
{
    /// <summary>
    /// A reader that waits so long for the first block of another node's chunk asks for more of the others: several
    /// times what a block takes from an origin that gives each of many connections a megabyte a second.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly SortedList<int, ChunkFlight> _interests = [];
    private readonly int _last = range.Length == 0 ? -1 : Geometry.ChunkAt(range.End - 1);
    private int _present = -1;
    private int _next;
    private int _width = Limits.WindowChunks;
    private TimeSpan _shortestFetch = TimeSpan.MaxValue;
    private long _since = Stopwatch.GetTimestamp();
    private int _passed;
    private bool _waited;

    /// <summary>
    /// The flight of the chunk that the reader stands at, before all others; null when it is on disk.
    /// </summary>
    public ChunkFlight? Demand(int chunk, OriginCause cause)
    {
        LeaveBefore(chunk);
        _present = Math.Max(_present, chunk);
        if (!_interests.TryGetValue(chunk, out var flight) || !flights.TryRaise(flight))
        {
            if (flight is not null)
                flights.Leave(flight);
            _interests.Remove(chunk);
            flight = flights.Join(source, chunk, FetchPriority.Demand, cause);
            if (flight is not null)
                _interests.Add(chunk, flight);
        }

        Fill(chunk);
        return flight;
    }

    /// <summary>
    /// Where a chunk of the window comes from if this reader waits, or waited, for its fetch; null: it was here.
    /// </summary>
    public Tier? TierOf(int chunk) => _interests.TryGetValue(chunk, out var flight) ? flight.Tier : null;

    /// <summary>The reader goes on to a chunk; those behind the window's end that are not here are asked for.</summary>
    public void MoveTo(int chunk, VersionFile? version)
    {
        if (chunk == _present)
            return;
        _present = chunk;
        LeaveBefore(chunk);
        Adapt();
        if (version is not { IsComplete: true })
            Fill(chunk);
    }

    /// <summary>The reader waits for one node: more is asked of the others meanwhile.</summary>
    public void Widen()
    {
        _width = Math.Min(2 * _width, Limits.WindowChunksMost);
        if (_present >= 0)
            Fill(_present);
    }

    /// <summary>The reader had to wait: the window may be too narrow.</summary>
    public void NoteWait() => _waited = true;

    public void Dispose() => LeaveBefore(int.MaxValue);

    private void Fill(int chunk)
    {
        var end = Math.Min(chunk + _width, _last);
        for (_next = Math.Max(_next, chunk + 1); _next <= end; _next++)
            if (flights.Join(source, _next, FetchPriority.ReadAhead, OriginCause.Reader) is { } flight)
                _interests.Add(_next, flight);
    }

    private void Adapt()
    {
        if (++_passed < _width / 2)
            return;
        var (each, waited) = (Stopwatch.GetElapsedTime(_since) / _passed, _waited);
        (_since, _passed, _waited) = (Stopwatch.GetTimestamp(), 0, false);
        if (!waited || _shortestFetch == TimeSpan.MaxValue || each <= TimeSpan.Zero)
            return;
        var filling = Math.Min(_shortestFetch / each, Limits.WindowChunksMost);
        _width = Math.Clamp(
            (int)Math.Ceiling(2 * filling), Limits.WindowChunks, Math.Min(2 * _width, Limits.WindowChunksMost));
    }

    private void LeaveBefore(int chunk)
    {
        while (_interests.Count > 0 && _interests.GetKeyAtIndex(0) < chunk)
        {
            var passed = _interests.GetValueAtIndex(0);
            if (passed.IsWhole && passed.FetchTime < _shortestFetch)
                _shortestFetch = passed.FetchTime;
            flights.Leave(passed);
            _interests.RemoveAt(0);
        }
    }
}
