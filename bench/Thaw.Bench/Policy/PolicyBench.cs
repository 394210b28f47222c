using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Thaw.Bench.Policy;

/// <summary>
/// Byte hits and origin bytes of the product's own policy beside LRU, FIFO and Belady's optimum, as a table and a plot.
/// <c>--tune</c> takes other seeds than those it is judged on.
/// </summary>
internal static class PolicyBench
{
    private static readonly ImmutableArray<int> Shares = [10, 30, 60];

    public static int Run(string[] arguments)
    {
        var tunes = arguments.Contains("--tune");
        var seeds = tunes ? Enumerable.Range(101, 3) : Enumerable.Range(1, 10);
        var rows = new List<PolicyRow>();
        foreach (var (name, make) in Traces.All)
        {
            var perSeed = seeds.AsParallel().AsOrdered().WithDegreeOfParallelism(2)
                .Select(seed => OfTrace(make(seed))).ToArray();
            for (var share = 0; share < Shares.Length; share++)
                rows.Add(PolicyRow.Mean(name, Shares[share], [.. perSeed.Select(one => one[share])]));
            foreach (var row in rows[^Shares.Length..])
                Console.WriteLine(row.ToTableRow());
        }

        var file = arguments.FirstOrDefault(argument => !argument.StartsWith('-'));
        if (file is not null)
        {
            File.WriteAllText(file, Page(rows, tunes));
            File.WriteAllText(Path.ChangeExtension(file, ".svg"), PolicyPlot.Draw(rows));
        }

        return rows.TrueForAll(row => row.Thaw.HitRatio >= row.Lru.HitRatio - 5e-5) ? 0 : 1;
    }

    private static PolicyRow[] OfTrace(Trace trace) =>
        [.. Shares.Select(share => PolicyRow.Of(trace, share, trace.SetChunks * share / 100))];

    private static string Page(List<PolicyRow> rows, bool tunes)
    {
        var page = new StringBuilder();
        page.AppendLine("# The eviction policy beside others");
        page.AppendLine();
        page.AppendLine(string.Create(CultureInfo.InvariantCulture, $"""
            Made by `bench/run policy FILE`, {(tunes ? "tuning seeds 101-103" : "seeds 1-10")}. Each figure is the mean
            over seeds of bytes served from the cache divided by bytes read; *origin* is what is left, beside LRU's.
            *sealed* is the policy where every version that is complete can only go whole. A cache of 10, 30 or 60 % of
            the versions that exist at one moment. The optimum is Belady's per chunk, with bypass: it knows the future.
            """));
        page.AppendLine();
        page.AppendLine(PolicyRow.TableHead);
        foreach (var row in rows)
            page.AppendLine(row.ToTableRow());
        page.AppendLine();
        page.AppendLine("""
            The traces (`bench/Thaw.Bench/Policy/Traces.cs`): 300 versions, sizes log-uniform from 1 to 800 units of a
            gigabyte, a reader takes one unit a second, at most two readers of a version at a time.

            - deployment: Zipf 0.9, 2,000 readings of whole versions a day (200 nodes, ten starts each), 5 % of the
              versions replaced under their names a day, one scan over all a day, 20 days;
            - moderate, quiet: the same with 1,000 and 100 readings a day;
            - churn: the same as deployment, but what is replaced gets a new name, so that nothing tells the cache;
            - scans: every second reading is of a version that nobody reads again;
            - loop: everything in the same order, once a day;
            - bursts: every hour or two a new version, read by up to 40 nodes in two hours, then every other day;
            - shift: every four days other versions are the popular ones.

            ![byte hit ratio](POLICY.svg)
            """.Replace("POLICY", "policy", StringComparison.Ordinal));
        return page.ToString();
    }
}
