using System.Globalization;
using Thaw.Core.Identity;
using Thaw.Storage.Eviction;

namespace Thaw.Bench.Policy;

/// <summary>
/// The product's own policy over a trace: versions whose readers are at work are held, a victim gives up its last
/// chunk, a sealed one all of them.
/// </summary>
internal sealed class ThawCache
{
    private readonly Trace _trace;
    private readonly HeatOrder _order;
    private readonly Version[] _versions;
    private readonly int _capacity;
    private readonly bool _seals;
    private int _used;

    private ThawCache(Trace trace, int capacity, bool seals)
    {
        (_trace, _capacity, _seals) = (trace, capacity, seals);
        _order = new HeatOrder(capacity);
        _versions = [.. trace.Sizes.Select((chunks, index) => new Version(index, chunks))];
    }

    /// <summary>Runs the policy.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="capacity">Chunks that fit.</param>
    /// <param name="seals">Whether a version that is complete is sealed: it goes whole.</param>
    public static Outcome Run(Trace trace, int capacity, bool seals = false) =>
        new ThawCache(trace, capacity, seals).Run();

    private Outcome Run()
    {
        long hits = 0;
        var read = 0;
        foreach (var (index, chunk) in _trace.Reads)
        {
            // As often as the product looks, in reads.
            if (++read % 1000 == 0)
                _order.Choose();
            var version = _versions[index];
            if (chunk == 0 && _trace.Replaced[index] is var old and >= 0 && !version.IsKnown)
                _order.Replace(_versions[old].Heat, _versions[old].Id, version.Id);
            version.IsKnown = true;
            if (chunk == 0 && version.Readers++ == 0 && version.Heat is { } begun)
                _order.SetAside(begun);
            if (version.IsHere[chunk])
                hits++;
            else
                Keep(version, chunk);
            if (version.Heat is { } heat)
                _order.Read(heat, 1);
            else
                _order.ReadGone(version.Id, version.IsHere.Length, 1);
            if (chunk == version.IsHere.Length - 1 && --version.Readers == 0 && version.Heat is { } ended)
                _order.PutBack(ended);
        }

        return new Outcome(_trace.Reads.Count, hits);
    }

    private void Keep(Version version, int chunk)
    {
        while (_used >= _capacity)
        {
            var isWorth = version.Heat is { } here ? _order.IsWorth(here) : _order.IsWorth(version.Id);
            if (!isWorth)
                return;
            Evict(((Heat)_order.Coldest!).Version);
        }

        if (version.Heat is null)
        {
            version.Heat = new Heat(version);
            _order.Enter(version.Heat);
            _order.SetAside(version.Heat);
        }

        version.IsHere[chunk] = true;
        version.Here++;
        _used++;
    }

    private void Evict(Version victim)
    {
        var whole = _seals && victim.Here == victim.IsHere.Length;
        do
        {
            while (!victim.IsHere[victim.Last])
                victim.Last--;
            victim.IsHere[victim.Last] = false;
            victim.Here--;
            _used--;
        }
        while (whole && victim.Here > 0);
        if (victim.Here > 0)
            return;
        _order.Leave(victim.Heat!);
        victim.Heat = null;
    }

    private sealed class Heat(Version version) : VersionHeat(version.Id, version.IsHere.Length)
    {
        public Version Version => version;
    }

    private sealed class Version(int index, int chunks)
    {
        public ContentId Id { get; } = ContentId.Derive("trace", index.ToString(CultureInfo.InvariantCulture));

        public bool[] IsHere { get; } = new bool[chunks];

        public Heat? Heat { get; set; }

        public bool IsKnown { get; set; }

        public int Here { get; set; }

        public int Readers { get; set; }

        public int Last { get => field < 0 ? field = chunks - 1 : field; set; } = chunks - 1;
    }
}
