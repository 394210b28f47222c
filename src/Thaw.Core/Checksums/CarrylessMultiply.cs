using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmAes = System.Runtime.Intrinsics.Arm.Aes;

namespace Thaw.Core.Checksums;

/// <summary>The machine's carry-less multiplication of 64-bit halves.</summary>
internal interface ICarrylessMultiply
{
    static abstract bool IsSupported { get; }

    static abstract Vector128<ulong> Low(Vector128<ulong> a, Vector128<ulong> b);

    static abstract Vector128<ulong> High(Vector128<ulong> a, Vector128<ulong> b);
}

/// <summary>PCLMULQDQ.</summary>
internal readonly struct X86CarrylessMultiply : ICarrylessMultiply
{
    public static bool IsSupported => Pclmulqdq.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Low(Vector128<ulong> a, Vector128<ulong> b) =>
        Pclmulqdq.CarrylessMultiply(a, b, 0x00);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> High(Vector128<ulong> a, Vector128<ulong> b) =>
        Pclmulqdq.CarrylessMultiply(a, b, 0x11);
}

/// <summary>PMULL and PMULL2.</summary>
internal readonly struct ArmCarrylessMultiply : ICarrylessMultiply
{
    public static bool IsSupported => ArmAes.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Low(Vector128<ulong> a, Vector128<ulong> b) =>
        ArmAes.PolynomialMultiplyWideningLower(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> High(Vector128<ulong> a, Vector128<ulong> b) =>
        ArmAes.PolynomialMultiplyWideningUpper(a, b);
}
