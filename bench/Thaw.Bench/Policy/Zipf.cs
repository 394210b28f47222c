namespace Thaw.Bench.Policy;

/// <summary>Ranks by Zipf's law: rank r is asked for in proportion to 1 / r^exponent.</summary>
internal sealed class Zipf
{
    private readonly double[] _sums;

    public Zipf(int ranks, double exponent)
    {
        _sums = new double[ranks];
        double sum = 0;
        for (var rank = 0; rank < ranks; rank++)
            _sums[rank] = sum += Math.Pow(rank + 1, -exponent);
    }

    /// <summary>The rank, from 0, of a number between 0 and 1.</summary>
    public int RankOf(double random)
    {
        var found = Array.BinarySearch(_sums, random * _sums[^1]);
        return Math.Min(found < 0 ? ~found : found, _sums.Length - 1);
    }
}
