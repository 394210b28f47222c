using Thaw.Bench.Policy;
using Xunit;

namespace Thaw.Tests.Storage.Eviction;

/// <summary>The policy over one short trace of each kind; bench/run policy has the long ones, over ten seeds.</summary>
public sealed class PolicyTraceTests
{
    public static TheoryData<string> Names { get; } = [.. Traces.All.Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void It_serves_at_least_what_lru_does_and_at_most_what_can_be_served(string name)
    {
        var trace = Traces.All.Single(one => one.Name == name).Make(1);
        foreach (var share in (int[])[10, 30, 60])
        {
            var capacity = trace.SetChunks * share / 100;
            var (thaw, lru) = (ThawCache.Run(trace, capacity), Caches.Lru(trace, capacity));
            var optimum = Caches.Optimum(trace, capacity);
            // One seed may differ from the mean by a little.
            Assert.True(thaw.HitRatio >= lru.HitRatio - 0.01, $"{share} %: {thaw.HitRatio:F4}, LRU {lru.HitRatio:F4}");
            Assert.True(thaw.Hits <= optimum.Hits);
            if (name == "deployment")
                Assert.True(thaw.Hits >= 0.88 * optimum.Hits || share < 60, $"{thaw.Hits} of {optimum.Hits}");
        }
    }

    [Fact]
    public void A_cache_as_large_as_all_of_it_reads_everything_once()
    {
        var trace = Traces.All.Single(one => one.Name == "loop").Make(2);
        var once = trace.Sizes.Sum();
        Assert.Equal(once, ThawCache.Run(trace, once).Origin);
        Assert.Equal(once, Caches.Lru(trace, once).Origin);
        Assert.Equal(once, Caches.Optimum(trace, once).Origin);
    }
}
