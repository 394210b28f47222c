using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Thaw.Core.Checksums;

/// <summary>
/// Folds a message of whole 16-byte pieces, at least one, into one piece that is equal to it modulo P. The CRC register
/// is added to the first bytes. Eight accumulators: the multiplier needs 4-7 cycles and starts one every 1-2.
/// </summary>
internal static class Fold128<T>
    where T : struct, ICarrylessMultiply
{
    private const int StrideBytes = 128;

    public static Vector128<ulong> Fold(ref byte start, nuint length, ulong register, FoldConstants constants)
    {
        var first = Load(ref start, 0) ^ Vector128.CreateScalar(register);
        return length < 2 * StrideBytes
            ? Tail(first, ref start, 16, length, constants)
            : Wide(first, ref start, length, constants);
    }

    /// <summary>Goes on from a piece with the 16-byte pieces from an offset to the end.</summary>
    public static Vector128<ulong> Tail(
        Vector128<ulong> piece, ref byte start, nuint at, nuint length, FoldConstants constants)
    {
        var by16 = constants.By16;
        for (; at < length; at += 16)
            piece = Step(piece, by16, Load(ref start, at));
        return piece;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Step(Vector128<ulong> piece, Vector128<ulong> by, Vector128<ulong> next) =>
        T.Low(piece, by) ^ T.High(piece, by) ^ next;

    private static Vector128<ulong> Wide(Vector128<ulong> a, ref byte start, nuint length, FoldConstants constants)
    {
        var by = constants.By128;
        var (b, c, d) = (Load(ref start, 16), Load(ref start, 32), Load(ref start, 48));
        var (e, f) = (Load(ref start, 64), Load(ref start, 80));
        var (g, h) = (Load(ref start, 96), Load(ref start, 112));
        nuint at = StrideBytes;
        for (; at + StrideBytes <= length; at += StrideBytes)
        {
            a = Step(a, by, Load(ref start, at));
            b = Step(b, by, Load(ref start, at + 16));
            c = Step(c, by, Load(ref start, at + 32));
            d = Step(d, by, Load(ref start, at + 48));
            e = Step(e, by, Load(ref start, at + 64));
            f = Step(f, by, Load(ref start, at + 80));
            g = Step(g, by, Load(ref start, at + 96));
            h = Step(h, by, Load(ref start, at + 112));
        }

        var by64 = constants.By64;
        (a, b) = (Step(a, by64, e), Step(b, by64, f));
        (c, d) = (Step(c, by64, g), Step(d, by64, h));
        var by32 = constants.By32;
        (a, b) = (Step(a, by32, c), Step(b, by32, d));
        return Tail(Step(a, constants.By16, b), ref start, at, length, constants);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte start, nuint at) =>
        Unsafe.ReadUnaligned<Vector128<ulong>>(ref Unsafe.AddByteOffset(ref start, at));
}
