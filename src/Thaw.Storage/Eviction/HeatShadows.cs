using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>
/// What each rule would have kept: for each a cache of the same capacity that holds no bytes and is told of whole uses
/// alone. The one that would have served the most bytes of late is the rule that counts. Not thread-safe; belongs to a
/// <see cref="HeatOrder"/>.
/// <para>Bounded: a version smaller than a <see cref="Grain"/>th of the capacity stands for others of its size: it is
/// watched with the probability of its share of that, by its id, as if it were so large.</para>
/// </summary>
internal sealed class HeatShadows
{
    /// <summary>Most versions that fill a cache here.</summary>
    private const int Grain = 4096;

    /// <summary>What was served counts half after so many capacities' worth of reads.</summary>
    private const double Memory = 10;

    /// <summary>How much better another rule has to be.</summary>
    private const double Advantage = 1.005;

    private readonly Dictionary<ContentId, Watched> _watched = [];
    private readonly LinkedList<Watched> _byUse = new();
    private readonly HeatHeap<Part>[] _caches;
    private readonly long[] _used;
    private readonly double[] _served;
    private double _scored;

    public HeatShadows()
    {
        _caches = [.. HeatRule.All.Select(_ => new HeatHeap<Part>())];
        _used = new long[_caches.Length];
        _served = new double[_caches.Length];
    }

    /// <summary>The best rule, given the one that counts now.</summary>
    public int Best(int present)
    {
        var best = present;
        for (var rule = 0; rule < _served.Length; rule++)
            if (_served[rule] > _served[best] && _served[rule] > Advantage * _served[present])
                best = rule;
        return best;
    }

    /// <summary>A version was used whole.</summary>
    /// <param name="id">The version.</param>
    /// <param name="sizeBytes">Its size.</param>
    /// <param name="capacityBytes">The cache's capacity.</param>
    /// <param name="turns">Capacities' worth of bytes that were read so far.</param>
    public void Use(ContentId id, long sizeBytes, long capacityBytes, double turns)
    {
        var grain = Math.Max(1, capacityBytes / Grain);
        if (sizeBytes < grain && (uint)id.GetHashCode() >= (double)sizeBytes / grain * uint.MaxValue)
            return;
        var size = Math.Max(sizeBytes, grain);
        var watched = Watch(id, turns);
        var fading = Math.Pow(2, (_scored - turns) / Memory);
        _scored = turns;
        for (var rule = 0; rule < _caches.Length; rule++)
            _served[rule] = _served[rule] * fading + Use(rule, watched.Parts[rule], size, capacityBytes, turns);
        Trim();
    }

    /// <summary>A version took the place of another one under its name.</summary>
    public void Replace(ContentId old, ContentId @new, double turns)
    {
        if (!_watched.TryGetValue(old, out var before) || _watched.ContainsKey(@new))
            return;
        var after = Watch(@new, turns);
        for (var rule = 0; rule < _caches.Length; rule++)
        {
            after.Parts[rule].Warmth = Math.Max(after.Parts[rule].Warmth, before.Parts[rule].Warmth);
            before.Parts[rule].Warmth = double.NegativeInfinity;
            if (before.Parts[rule].Bytes > 0)
                _caches[rule].Moved(before.Parts[rule]);
        }
    }

    /// <summary>Returns the bytes that were here.</summary>
    private long Use(int rule, Part part, long size, long capacity, double turns)
    {
        var here = Math.Min(part.Bytes, size);
        var now = turns / HeatRule.All[rule].HalfLife;
        if (part.Bytes > 0)
            _caches[rule].Remove(part);
        var claim = HeatRule.All[rule].Claim(part.Warmth, now);
        while (part.Bytes < size)
        {
            var free = capacity - _used[rule];
            if (free <= 0)
            {
                if (_caches[rule].Coldest is not { } coldest || claim <= coldest.Warmth + HeatRule.All[rule].Margin)
                    break;
                Shrink(rule, coldest, Math.Min(coldest.Bytes, size - part.Bytes - free));
                continue;
            }

            var added = Math.Min(free, size - part.Bytes);
            part.Bytes += added;
            _used[rule] += added;
        }

        part.Warmth = HeatRule.AfterUse(part.Warmth, now);
        if (part.Bytes > 0)
            _caches[rule].Add(part);
        return here;
    }

    private void Shrink(int rule, Part part, long bytes)
    {
        part.Bytes -= bytes;
        _used[rule] -= bytes;
        if (part.Bytes == 0)
            _caches[rule].Remove(part);
    }

    private Watched Watch(ContentId id, double turns)
    {
        if (!_watched.TryGetValue(id, out var watched))
        {
            _watched.Add(id, watched = new Watched(id));
            watched.Place = _byUse.AddLast(watched);
            for (var rule = 0; rule < _caches.Length; rule++)
                watched.Parts[rule].Warmth = turns / HeatRule.All[rule].HalfLife + HeatRule.Newcomer;
            return watched;
        }

        _byUse.Remove(watched.Place!);
        _byUse.AddLast(watched.Place!);
        return watched;
    }

    private void Trim()
    {
        if (_watched.Count <= 4 * Grain)
            return;
        var oldest = _byUse.First!.Value;
        _byUse.RemoveFirst();
        _watched.Remove(oldest.Id);
        for (var rule = 0; rule < _caches.Length; rule++)
            if (oldest.Parts[rule] is { Bytes: > 0 } part)
                Shrink(rule, part, part.Bytes);
    }

    private sealed class Part : Warm
    {
        public long Bytes { get; set; }
    }

    private sealed class Watched(ContentId id)
    {
        public ContentId Id => id;

        public Part[] Parts { get; } = [.. HeatRule.All.Select(_ => new Part())];

        public LinkedListNode<Watched>? Place { get; set; }
    }
}
