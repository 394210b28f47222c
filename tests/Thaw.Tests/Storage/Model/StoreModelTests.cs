using System.Diagnostics;
using System.Globalization;
using Thaw.Storage.Versions;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Storage.Model;

/// <summary>
/// Random operations, faults, kills and power cuts over a disk in memory, compared with a simple model. The variable
/// <c>THAW_MODEL_SEEDS</c> chooses them: a first one, or a first one and how many, as in <c>4711+200</c>.
/// </summary>
public sealed class StoreModelTests(ITestOutputHelper output)
{
    private const int OperationsPerSeed = 500;

    [Fact]
    public Task Nothing_wrong_is_served_nothing_durable_is_lost_and_nothing_leaks() => RunAsync(seeds: 200);

    [Fact]
    [Trait("Category", "Long")]
    public Task Ten_million_operations() => RunAsync(seeds: 20_000);

    private async Task RunAsync(int seeds)
    {
        var first = seeds <= 200 ? Random.Shared.Next(1_000_000) * 1000 : 0;
        if (Environment.GetEnvironmentVariable("THAW_MODEL_SEEDS")?.Split('+') is { } range)
            (first, seeds) = (int.Parse(range[0], CultureInfo.InvariantCulture),
                range.Length < 2 ? 1 : int.Parse(range[1], CultureInfo.InvariantCulture));
        output.WriteLine($"seeds {first} to {first + seeds - 1}, {OperationsPerSeed} operations each");
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            Enumerable.Range(first, seeds),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = Environment.ProcessorCount,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (seed, _) => await new StoreModel(seed).RunAsync(OperationsPerSeed));
        output.WriteLine($"{(long)seeds * OperationsPerSeed} operations in {watch.Elapsed.TotalSeconds:0} s");
        foreach (var (what, count) in StoreModel.Struck.OrderBy(one => one.Key, StringComparer.Ordinal))
            output.WriteLine($"{count} x {what}");
        // Other tests run beside this one: there is a moment at which nobody has a buffer.
        await Eventually.HoldsAsync(
            "every buffer is given back", () => new(BlockScratch.Rented == 0), () => $"{BlockScratch.Rented} are not",
            TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }
}
