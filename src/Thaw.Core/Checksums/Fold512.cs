using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Thaw.Core.Checksums;

/// <summary>
/// <see cref="Fold128{T}"/> with VPCLMULQDQ on 512-bit registers (Zen 4, Ice Lake and later), four accumulators.
/// </summary>
internal static class Fold512
{
    private const int StrideBytes = 256;

    public static bool IsSupported => Pclmulqdq.V512.IsSupported && Avx512F.IsSupported;

    public static Vector128<ulong> Fold(ref byte start, nuint length, ulong register, FoldConstants constants)
    {
        if (length < 2 * StrideBytes)
            return Fold128<X86CarrylessMultiply>.Fold(ref start, length, register, constants);
        var by = All(constants.By256);
        var a = Avx512F.Xor(Load(ref start, 0), Vector512.Create(register, 0, 0, 0, 0, 0, 0, 0));
        var (b, c, d) = (Load(ref start, 64), Load(ref start, 128), Load(ref start, 192));
        nuint at = StrideBytes;
        for (; at + StrideBytes <= length; at += StrideBytes)
        {
            a = Step(a, by, Load(ref start, at));
            b = Step(b, by, Load(ref start, at + 64));
            c = Step(c, by, Load(ref start, at + 128));
            d = Step(d, by, Load(ref start, at + 192));
        }

        var by128 = All(constants.By128);
        (a, b) = (Step(a, by128, c), Step(b, by128, d));
        a = Step(a, All(constants.By64), b);
        var (low, high) = (a.GetLower(), a.GetUpper());
        var left = Fold128<X86CarrylessMultiply>.Step(low.GetLower(), constants.By32, high.GetLower());
        var right = Fold128<X86CarrylessMultiply>.Step(low.GetUpper(), constants.By32, high.GetUpper());
        var piece = Fold128<X86CarrylessMultiply>.Step(left, constants.By16, right);
        return Fold128<X86CarrylessMultiply>.Tail(piece, ref start, at, length, constants);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Step(Vector512<ulong> piece, Vector512<ulong> by, Vector512<ulong> next) =>
        Avx512F.TernaryLogic(
            Pclmulqdq.V512.CarrylessMultiply(piece, by, 0x00), Pclmulqdq.V512.CarrylessMultiply(piece, by, 0x11), next,
            0x96);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> All(Vector128<ulong> quarter) =>
        Vector512.Create(Vector256.Create(quarter, quarter), Vector256.Create(quarter, quarter));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Load(ref byte start, nuint at) =>
        Unsafe.ReadUnaligned<Vector512<ulong>>(ref Unsafe.AddByteOffset(ref start, at));
}
