namespace Thaw.Core.Placing;

/// <summary>
/// Binary logarithms of hashes in fixed point, by integer arithmetic alone, so that every processor and every release
/// places alike: <c>-log2((h + 1) / 2^64)</c> with 48 bits behind the point.
/// <para>The mantissa m in [1, 2) is split as a (1 + x), a being its first 12 bits: log2(a) is from a table, and
/// log2(1 + x) is the series up to x^3, whose error stays below 2^-48. The tables are made at start by squaring, one
/// bit of the result after the other.</para>
/// </summary>
internal static class FixedLog
{
    /// <summary>Bits behind the point.</summary>
    public const int FractionBits = 48;

    private const int IndexBits = 12;

    /// <summary>1 / ln 2 with 62 bits behind the point.</summary>
    private const ulong InverseLn2 = 6653256548922161246;

    private static readonly ulong[] Logs = new ulong[1 << IndexBits];
    private static readonly ulong[] Reciprocals = new ulong[1 << IndexBits];

    static FixedLog()
    {
        for (var index = 0; index < Logs.Length; index++)
        {
            var mantissa = (1UL << 63) | ((ulong)index << (63 - IndexBits));
            Logs[index] = LogBySquaring(mantissa);
            // 2^63 / (mantissa / 2^63), so between 2^62 (excluded) and 2^63.
            Reciprocals[index] = (ulong)(((UInt128)1 << 126) / mantissa);
        }
    }

    /// <summary>How far below 1 a hash, read as a fraction of 2^64, lies: 0 to 64 times 2^48.</summary>
    public static ulong Depth(ulong hash)
    {
        if (hash == ulong.MaxValue)
            return 0;
        var value = hash + 1;
        var shift = System.Numerics.BitOperations.LeadingZeroCount(value);
        return ((ulong)(shift + 1) << FractionBits) - Log(value << shift);
    }

    /// <summary>log2 of a mantissa in [2^63, 2^64), read as [1, 2).</summary>
    private static ulong Log(ulong mantissa)
    {
        var index = (int)(mantissa >> (63 - IndexBits)) & (Logs.Length - 1);
        // 1 + x with 62 bits behind the point: x < 2^-12.
        var ratio = Math.BigMul(mantissa, Reciprocals[index], out _);
        var x = ratio > 1UL << 62 ? ratio - (1UL << 62) : 0;
        var square = Math.BigMul(x, x, out _) << 2;
        var cube = Math.BigMul(square, x, out _) << 2;
        var ln = x - square / 2 + cube / 3;
        var log2 = Math.BigMul(ln, InverseLn2, out _) << 2;
        return (Logs[index] + (log2 >> (62 - FractionBits - 2)) + 2) >> 2;
    }

    /// <summary>log2 of a mantissa with two bits more than <see cref="FractionBits"/>.</summary>
    private static ulong LogBySquaring(ulong mantissa)
    {
        ulong log = 0;
        for (var bit = FractionBits + 1; bit >= 0; bit--)
        {
            // The square of [1, 2) is in [1, 4) and has 126 bits behind the point.
            var high = Math.BigMul(mantissa, mantissa, out var low);
            if (high >= 1UL << 63)
            {
                log |= 1UL << bit;
                mantissa = high;
            }
            else
            {
                mantissa = (high << 1) | (low >> 63);
            }
        }

        return log;
    }
}
