using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Thaw.Core.Checksums;

/// <summary>
/// <see cref="Fold128{T}"/> with VPCLMULQDQ on 256-bit registers (Zen 3, Alder Lake: no AVX-512), eight accumulators.
/// Named instructions instead of operators: an ahead-of-time build compiles this for a machine it cannot ask.
/// </summary>
internal static class Fold256
{
    private const int StrideBytes = 256;

    public static bool IsSupported => Pclmulqdq.V256.IsSupported && Avx2.IsSupported;

    public static Vector128<ulong> Fold(ref byte start, nuint length, ulong register, FoldConstants constants)
    {
        if (length < 2 * StrideBytes)
            return Fold128<X86CarrylessMultiply>.Fold(ref start, length, register, constants);
        var by = Both(constants.By256);
        var a = Avx2.Xor(Load(ref start, 0), Vector256.Create(register, 0, 0, 0));
        var (b, c, d) = (Load(ref start, 32), Load(ref start, 64), Load(ref start, 96));
        var (e, f) = (Load(ref start, 128), Load(ref start, 160));
        var (g, h) = (Load(ref start, 192), Load(ref start, 224));
        nuint at = StrideBytes;
        for (; at + StrideBytes <= length; at += StrideBytes)
        {
            a = Step(a, by, Load(ref start, at));
            b = Step(b, by, Load(ref start, at + 32));
            c = Step(c, by, Load(ref start, at + 64));
            d = Step(d, by, Load(ref start, at + 96));
            e = Step(e, by, Load(ref start, at + 128));
            f = Step(f, by, Load(ref start, at + 160));
            g = Step(g, by, Load(ref start, at + 192));
            h = Step(h, by, Load(ref start, at + 224));
        }

        var by128 = Both(constants.By128);
        (a, b) = (Step(a, by128, e), Step(b, by128, f));
        (c, d) = (Step(c, by128, g), Step(d, by128, h));
        var by64 = Both(constants.By64);
        (a, b) = (Step(a, by64, c), Step(b, by64, d));
        a = Step(a, Both(constants.By32), b);
        var piece = Fold128<X86CarrylessMultiply>.Step(a.GetLower(), constants.By16, a.GetUpper());
        return Fold128<X86CarrylessMultiply>.Tail(piece, ref start, at, length, constants);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Step(Vector256<ulong> piece, Vector256<ulong> by, Vector256<ulong> next) =>
        Avx2.Xor(
            Avx2.Xor(Pclmulqdq.V256.CarrylessMultiply(piece, by, 0x00),
                Pclmulqdq.V256.CarrylessMultiply(piece, by, 0x11)),
            next);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Both(Vector128<ulong> half) => Vector256.Create(half, half);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Load(ref byte start, nuint at) =>
        Unsafe.ReadUnaligned<Vector256<ulong>>(ref Unsafe.AddByteOffset(ref start, at));
}
