using System.Collections.Concurrent;
using Thaw.Core;
using Thaw.Core.Chunks;

namespace Thaw.Storage.Versions;

/// <summary>
/// When blocks were last checked, so that many small reads of one block cost one check (integrity contract, a).
/// Any thread. Forgets everything when it holds more than a bound.
/// </summary>
internal sealed class CheckedBlocks(TimeProvider clock)
{
    /// <summary>32 MiB of recently checked small reads' chunks for each version: 4,096 chunks of 32 stamps.</summary>
    private const int MostChunks = 4096;

    private readonly ConcurrentDictionary<int, long[]> _stamps = new();

    public bool IsFresh(int chunk, int block) =>
        _stamps.TryGetValue(chunk, out var stamps)
        && Volatile.Read(ref stamps[block]) is var stamp and not 0
        && clock.GetElapsedTime(stamp) < Limits.CheckTrusted;

    public void Mark(int chunk, int block)
    {
        if (_stamps.Count > MostChunks)
            _stamps.Clear();
        var stamps = _stamps.GetOrAdd(chunk, static _ => new long[Geometry.BlocksPerChunk]);
        Volatile.Write(ref stamps[block], clock.GetTimestamp());
    }

    public void Forget(int chunk) => _stamps.TryRemove(chunk, out _);
}
