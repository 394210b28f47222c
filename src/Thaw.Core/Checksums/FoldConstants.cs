using System.Runtime.Intrinsics;

namespace Thaw.Core.Checksums;

/// <summary>
/// Multipliers that move a 128-bit piece of a message forward by a number of bytes modulo P (Intel, "Fast CRC
/// Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009).
/// In reflected form the low half of a piece holds the higher powers, so moving by D bits takes x^(D+64) for the low
/// and x^D for the high half; one less in each exponent, because a carry-less product of reflected halves comes out
/// multiplied by x.
/// </summary>
internal sealed class FoldConstants(CrcField field)
{
    public readonly Vector128<ulong> By16 = Of(field, 16);
    public readonly Vector128<ulong> By32 = Of(field, 32);
    public readonly Vector128<ulong> By64 = Of(field, 64);
    public readonly Vector128<ulong> By128 = Of(field, 128);
    public readonly Vector128<ulong> By256 = Of(field, 256);

    private static Vector128<ulong> Of(CrcField field, int bytes) => Vector128.Create(
        field.Aligned(field.Power(8 * bytes + 63)), field.Aligned(field.Power(8 * bytes - 1)));
}
