using System.Numerics;
using System.Runtime.InteropServices;

namespace Thaw.Core.Checksums;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, RFC 3720 B.4): the sum of every block.
/// Finished values: initial and final inversion are inside, so <c>Append(0, x)</c> is the CRC of x.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;

    /// <summary>The CRC of the bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of a text whose CRC so far is <paramref name="crc"/>, followed by the bytes.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, word);
        foreach (var value in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>The CRC of two texts joined, from their CRCs and the length of the second, in O(log length).</summary>
    public static uint Combine(uint first, uint second, long secondLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondLength);
        // x^(8 * length) mod P by squaring; multiplication of polynomials over GF(2), reflected.
        var power = 1u << 31;
        var square = 1u << 30;
        for (var bits = (ulong)secondLength << 3; bits != 0; bits >>= 1)
        {
            if ((bits & 1) != 0)
                power = Multiply(power, square);
            square = Multiply(square, square);
        }

        return Multiply(power, first) ^ second;
    }

    private static uint Multiply(uint a, uint b)
    {
        uint product = 0;
        for (var bit = 1u << 31; bit != 0; bit >>= 1)
        {
            if ((a & bit) != 0)
                product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }
}
