using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace Thaw.Core.Checksums;

/// <summary>The machine's CRC-32C instruction on raw registers (no inversion).</summary>
internal interface ICrc32CWord
{
    static abstract bool IsSupported { get; }

    static abstract uint Step(uint crc, ulong word);

    static abstract uint Step(uint crc, byte value);

    /// <summary>a * b * x^33 mod P: one carry-less product reduced by the CRC instruction.</summary>
    static abstract uint Multiply(uint a, uint b);
}

/// <summary>SSE4.2, with PCLMULQDQ where there is one.</summary>
internal readonly struct X64Crc32CWord : ICrc32CWord
{
    public static bool IsSupported => Sse42.X64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Step(uint crc, ulong word) => (uint)Sse42.X64.Crc32(crc, word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Step(uint crc, byte value) => Sse42.Crc32(crc, value);

    public static uint Multiply(uint a, uint b) => Pclmulqdq.IsSupported
        ? Step(0, Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)a), Vector128.CreateScalar((ulong)b), 0)[0])
        : Crc32CTable.MultiplyBy33(a, b);
}

/// <summary>The CRC32 extension of Armv8, with PMULL where there is one.</summary>
internal readonly struct Arm64Crc32CWord : ICrc32CWord
{
    public static bool IsSupported => ArmCrc32.Arm64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Step(uint crc, ulong word) => ArmCrc32.Arm64.ComputeCrc32C(crc, word);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Step(uint crc, byte value) => ArmCrc32.ComputeCrc32C(crc, value);

    public static uint Multiply(uint a, uint b) => ArmCarrylessMultiply.IsSupported
        ? Step(0, ArmCarrylessMultiply.Low(Vector128.CreateScalar((ulong)a), Vector128.CreateScalar((ulong)b))[0])
        : Crc32CTable.MultiplyBy33(a, b);
}
