using System.Numerics;

namespace Thaw.Core.Checksums;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, RFC 3720 B.4): the sum of every block.
/// Finished values: initial and final inversion are inside, so <c>Append(0, x)</c> is the CRC of x.
/// The fastest way of the machine is chosen once, at start; all give the same values.
/// </summary>
public static unsafe class Crc32C
{
    private static readonly Crc32CPath Chosen = Crc32CPath.Chosen;
    private static readonly delegate*<uint, ReadOnlySpan<byte>, uint> AppendRaw = Chosen.Function;

    // x^(8 * 2^k), less what a multiplication of the machine adds.
    private static readonly ulong[] Powers = Crc32CTable.Field.BytePowers(33);

    /// <summary>Name of the way chosen on this machine, for logs and benchmarks.</summary>
    public static string PathName => Chosen.Name;

    /// <summary>The CRC of the bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of a text whose CRC so far is <paramref name="crc"/>, followed by the bytes.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes) => ~AppendRaw(~crc, bytes);

    /// <summary>
    /// The CRC of two texts joined, from their CRCs and the length of the second: a multiplication by a power of x for
    /// each bit that is set in the length, one for a block or a chunk.
    /// </summary>
    public static uint Combine(uint first, uint second, long secondLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondLength);
        for (var bits = (ulong)secondLength; bits != 0; bits &= bits - 1)
            first = Multiply(first, (uint)Powers[BitOperations.TrailingZeroCount(bits)]);
        return first ^ second;
    }

    private static uint Multiply(uint a, uint b) =>
        X64Crc32CWord.IsSupported ? X64Crc32CWord.Multiply(a, b)
        : Arm64Crc32CWord.IsSupported ? Arm64Crc32CWord.Multiply(a, b)
        : Crc32CTable.MultiplyBy33(a, b);
}
