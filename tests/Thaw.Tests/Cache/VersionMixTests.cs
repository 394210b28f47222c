using CsCheck;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>
/// Each answer is wholly one version that was the present one at some moment that <c>revalidate</c> allows, or one
/// clean error: never two versions in one answer, never a short one that looks complete.
/// </summary>
public sealed class VersionMixTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(null)]
    public void No_answer_mixes_versions(int? revalidateSeconds) =>
        Gen.Int[0, int.MaxValue].Sample(
            seed => RunAsync(seed, revalidateSeconds).GetAwaiter().GetResult(), iter: 2, threads: 1);

    private async Task RunAsync(int seed, int? revalidateSeconds)
    {
        TimeSpan? revalidate = revalidateSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        await using var run = new MixRun(seed, revalidate);
        var wrong = await run.RunAsync(TestContext.Current.CancellationToken);
        var (answers, errors) = run.Count;
        output.WriteLine($"seed {seed}, revalidate {revalidate}: {answers} answers, {errors} errors");
        Assert.True(wrong.Count == 0, $"seed {seed}, revalidate {revalidate}:\n{string.Join("\n", wrong)}");
        Assert.True(answers > errors, $"seed {seed}: {answers} answers and {errors} errors prove little.");
    }
}
