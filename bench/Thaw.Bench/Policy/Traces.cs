using System.Collections.Immutable;

namespace Thaw.Bench.Policy;

/// <summary>The traces that the policy is judged on, each from a seed.</summary>
public static class Traces
{
    private const int Versions = 300;
    private const double Exponent = 0.9;
    private const double Day = 24;

    /// <summary>Names and makers.</summary>
    public static ImmutableArray<(string Name, Func<int, Trace> Make)> All { get; } =
    [
        ("deployment", seed => Deployment("deployment", seed)),
        ("quiet", seed => Deployment("quiet", seed, readsPerDay: 100)),
        ("moderate", seed => Deployment("moderate", seed, readsPerDay: 1000)),
        ("churn", seed => Deployment("churn", seed, sameNames: false)),
        ("scans", Scans), ("loop", Loop), ("bursts", Bursts), ("shift", Shift),
    ];

    /// <summary>
    /// 300 versions, sizes log-uniform from 1 to 800 chunks, Zipf 0.9, each event one node's read of a whole version,
    /// 5 % replaced a day, one scan over all a day.
    /// </summary>
    public static Trace Deployment(string name, int seed, int readsPerDay = 2000, int days = 20, bool sameNames = true)
    {
        var maker = new TraceMaker(name, seed);
        var zipf = new Zipf(Versions, Exponent);
        var present = NewSet(maker, Versions);
        var set = present.Sum(one => one.Chunks);
        for (var day = 0; day < days; day++)
        {
            var scan = (day + 0.5) * Day;
            var events = new List<(double Hour, int Kind)>();
            for (var i = 0; i < readsPerDay; i++)
                events.Add((day * Day + maker.RandomTime(Day), 0));
            for (var i = 0; i < Versions / 20; i++)
                events.Add((day * Day + maker.RandomTime(Day), 1));
            events.Add((scan, 2));
            foreach (var (hour, kind) in events.Order())
            {
                if (kind == 0)
                {
                    maker.Read(present[zipf.RankOf(maker.RandomTime(1))].Version, hour);
                }
                else if (kind == 1)
                {
                    var which = maker.RandomIndex(Versions);
                    present[which] = (
                        maker.NewVersion(present[which].Chunks, sameNames ? present[which].Version : -1),
                        present[which].Chunks);
                }
                else
                {
                    ScanAll(maker, present, hour);
                }
            }
        }

        return maker.Make(set);
    }

    /// <summary>A working set, and beside it reads of versions that nobody reads again, as many bytes.</summary>
    private static Trace Scans(int seed)
    {
        var maker = new TraceMaker("scans", seed);
        var zipf = new Zipf(Versions, Exponent);
        var present = NewSet(maker, Versions);
        for (var i = 0; i < 6000; i++)
        {
            var hour = maker.RandomTime(14 * Day);
            maker.Read(
                i % 2 == 0 ? present[zipf.RankOf(maker.RandomTime(1))].Version : maker.NewVersion(maker.RandomSize()),
                hour);
        }

        return maker.Make(present.Sum(one => one.Chunks));
    }

    /// <summary>Everything is read in the same order, again and again.</summary>
    private static Trace Loop(int seed)
    {
        var maker = new TraceMaker("loop", seed);
        var present = NewSet(maker, Versions);
        for (var round = 0; round < 20; round++)
            ScanAll(maker, present, round * Day);
        return maker.Make(present.Sum(one => one.Chunks));
    }

    /// <summary>
    /// Each hour or two a new version is rolled out: up to 40 nodes read it within two hours, then one in two days.
    /// </summary>
    private static Trace Bursts(int seed)
    {
        var maker = new TraceMaker("bursts", seed);
        var set = NewSet(maker, Versions);
        for (double hour = 0; hour < 30 * Day; hour += 0.5 + maker.RandomTime(2))
        {
            var version = maker.NewVersion(maker.RandomSize());
            var nodes = 2 + maker.RandomIndex(39);
            for (var node = 0; node < nodes; node++)
                maker.Read(version, hour + maker.RandomTime(2));
            for (double later = 24 + maker.RandomTime(48); later < 5 * Day; later += maker.RandomTime(96))
                maker.Read(version, hour + later);
        }

        return maker.Make(set.Sum(one => one.Chunks));
    }

    /// <summary>Every four days other versions are the popular ones.</summary>
    private static Trace Shift(int seed)
    {
        var maker = new TraceMaker("shift", seed);
        var zipf = new Zipf(Versions, Exponent);
        var present = NewSet(maker, Versions);
        for (var day = 0; day < 20; day++)
        {
            if (day % 4 == 0)
                Shuffle(maker, present);
            for (var i = 0; i < 400; i++)
                maker.Read(present[zipf.RankOf(maker.RandomTime(1))].Version, day * Day + maker.RandomTime(Day));
        }

        return maker.Make(present.Sum(one => one.Chunks));
    }

    private static (int Version, int Chunks)[] NewSet(TraceMaker maker, int versions)
    {
        var set = new (int, int)[versions];
        for (var i = 0; i < versions; i++)
        {
            var chunks = maker.RandomSize();
            set[i] = (maker.NewVersion(chunks), chunks);
        }

        return set;
    }

    private static void ScanAll(TraceMaker maker, (int Version, int Chunks)[] present, double hour)
    {
        // Ten nodes' worth of bandwidth, one version after the other.
        const double chunksPerHour = 36_000;
        foreach (var (version, chunks) in present)
        {
            maker.Read(version, hour, chunksPerHour);
            hour += chunks / chunksPerHour;
        }
    }

    private static void Shuffle(TraceMaker maker, (int Version, int Chunks)[] present)
    {
        for (var i = present.Length - 1; i > 0; i--)
        {
            var other = maker.RandomIndex(i + 1);
            (present[i], present[other]) = (present[other], present[i]);
        }
    }
}
