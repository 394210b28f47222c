using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Thaw.Core.Checksums;

/// <summary>A way to compute CRC-32C: raw registers in and out, any length.</summary>
internal unsafe readonly struct Crc32CPath(
    string name, bool isSupported, delegate*<uint, ReadOnlySpan<byte>, uint> append)
{
    private const int ShortestFold = 256;

    private static readonly FoldConstants Constants = new(Crc32CTable.Field);

    /// <summary>
    /// All ways, the first supported one is taken. On x64 the first two measure alike (Zen 5), twice as fast as
    /// three-way SSE4.2 and four times as 128-bit folding. On Arm the order is not measured on hardware.
    /// </summary>
    public static readonly Crc32CPath[] All =
    [
        new("vpclmulqdq-512", Fold512.IsSupported && X64Crc32CWord.IsSupported, &ByFold512),
        new("vpclmulqdq-256-and-sse42", FusedCrc32C.IsSupported, &FusedCrc32C.Append),
        new("sse42-three-way", X64Crc32CWord.IsSupported, &Crc32CThreeWay<X64Crc32CWord>.Append),
        new("pclmulqdq-128", X86CarrylessMultiply.IsSupported && X64Crc32CWord.IsSupported, &ByFold128),
        new("arm64-three-way", Arm64Crc32CWord.IsSupported, &Crc32CThreeWay<Arm64Crc32CWord>.Append),
        new("pmull-128", ArmCarrylessMultiply.IsSupported && Arm64Crc32CWord.IsSupported, &ByPmull128),
        new("table", true, &Crc32CTable.Append),
    ];

    public string Name => name;

    public bool IsSupported => isSupported;

    /// <summary>
    /// The fastest way that this machine has and that agrees with the table: a wrong sum would condemn good blocks, and
    /// a processor, an emulator or a compiler may be wrong where no test of ours ever ran.
    /// </summary>
    public static Crc32CPath Chosen => Array.Find(All, path => path.IsSupported && path.AgreesWithTable());

    public delegate*<uint, ReadOnlySpan<byte>, uint> Function => append;

    public uint Append(uint crc, ReadOnlySpan<byte> bytes) => append(crc, bytes);

    private bool AgreesWithTable()
    {
        Span<byte> sample = stackalloc byte[1021];
        for (var i = 0; i < sample.Length; i++)
            sample[i] = (byte)(i * i * 167 + i);
        return Append(1, sample) == Crc32CTable.Append(1, sample);
    }

    private static uint ByFold512(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < ShortestFold)
            return Crc32CThreeWay<X64Crc32CWord>.One(crc, bytes);
        var whole = bytes.Length & ~15;
        var piece = Fold512.Fold(ref MemoryMarshal.GetReference(bytes), (nuint)whole, crc, Constants);
        return Finish<X64Crc32CWord>(piece, bytes[whole..]);
    }

    private static uint ByFold128(uint crc, ReadOnlySpan<byte> bytes) =>
        ByFold128<X86CarrylessMultiply, X64Crc32CWord>(crc, bytes);

    private static uint ByPmull128(uint crc, ReadOnlySpan<byte> bytes) =>
        ByFold128<ArmCarrylessMultiply, Arm64Crc32CWord>(crc, bytes);

    private static uint ByFold128<TMultiply, TWord>(uint crc, ReadOnlySpan<byte> bytes)
        where TMultiply : struct, ICarrylessMultiply
        where TWord : struct, ICrc32CWord
    {
        if (bytes.Length < 16)
            return Crc32CThreeWay<TWord>.One(crc, bytes);
        var whole = bytes.Length & ~15;
        var piece = Fold128<TMultiply>.Fold(ref MemoryMarshal.GetReference(bytes), (nuint)whole, crc, Constants);
        return Finish<TWord>(piece, bytes[whole..]);
    }

    // What is left of the folded message is 16 bytes, summed like any others, with the register already inside.
    private static uint Finish<TWord>(Vector128<ulong> piece, ReadOnlySpan<byte> rest)
        where TWord : struct, ICrc32CWord =>
        Crc32CThreeWay<TWord>.One(TWord.Step(TWord.Step(0, piece[0]), piece[1]), rest);
}
