using System.Collections.Immutable;

namespace Thaw.Storage.Eviction;

/// <summary>
/// One way to tell warm versions from cold ones. Half-lives are in capacities: when so many times the cache's capacity
/// was read, a use counts half; a short one is close to "least recently used", a long one to "least often".
/// </summary>
/// <param name="HalfLife">Capacities' worth of bytes read after which a use counts half.</param>
/// <param name="Margin">How much warmer, as a logarithm, a version has to be to take the coldest one's place.</param>
/// <param name="IsEager">
/// Whether the use that goes on now counts for the version that is read, so that nearly all that is read is kept.
/// </param>
internal sealed record HeatRule(double HalfLife, double Margin, bool IsEager)
{
    /// <summary>What a version without a known use counts: half a use.</summary>
    public const double Newcomer = 0;

    /// <summary>
    /// The rules that are tried beside each other, chosen on other seeds than those the policy is judged on
    /// (docs/decisions has the measurements).
    /// </summary>
    public static ImmutableArray<HeatRule> All { get; } =
        [new(1, 0, true), new(1, 0, false), new(8, 0.25, false), new(128, 0.25, false)];

    /// <summary>The rule that counts until another one has shown that it is better.</summary>
    public const int Initial = 0;

    /// <summary>A version's warmth after a whole use.</summary>
    public static double AfterUse(double warmth, double now, double uses = 1) =>
        double.IsNegativeInfinity(warmth) ? warmth : now + Math.Log2(Math.Pow(2, Math.Max(-1000, warmth - now)) + uses);

    /// <summary>The warmth that a version's missing chunks come with.</summary>
    public double Claim(double warmth, double now) => IsEager ? AfterUse(warmth, now) : warmth;
}
