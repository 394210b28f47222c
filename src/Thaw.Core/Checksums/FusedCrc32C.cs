using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Thaw.Core.Checksums;

/// <summary>
/// CRC-32C by two units of the processor at once: VPCLMULQDQ on 256-bit registers folds the first part of a stretch
/// while the CRC instruction takes three more parts, in the same loop (P. Cawley, "Faster CRC32-C on x86", 2022). The
/// parts are as long as the units are fast, and are joined by a multiplication each. Raw registers, no inversion.
/// <para>Named instructions instead of operators: an ahead-of-time build compiles this for a machine it cannot
/// ask.</para>
/// </summary>
internal static unsafe class FusedCrc32C
{
    private const int Turns = 262;
    private const int FoldedTurnBytes = 128;
    private const int WordsTurnBytes = 40;
    private const int FoldedBytes = (Turns + 1) * FoldedTurnBytes;
    private const int WordsBytes = Turns * WordsTurnBytes;

    /// <summary>64 KiB but for 432 bytes: four of them are most of a block.</summary>
    private const int StretchBytes = FoldedBytes + 3 * WordsBytes;

    private static readonly FoldConstants Constants = new(Crc32CTable.Field);
    private static readonly uint By1 = Move(WordsBytes);
    private static readonly uint By2 = Move(2 * WordsBytes);
    private static readonly uint By3 = Move(3 * WordsBytes);

    public static bool IsSupported =>
        Pclmulqdq.V256.IsSupported && Avx2.IsSupported && Pclmulqdq.IsSupported && Sse42.X64.IsSupported;

    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= StretchBytes; bytes = bytes[StretchBytes..])
            fixed (byte* start = bytes)
                crc = Stretch(crc, start);
        return Crc32CThreeWay<X64Crc32CWord>.Append(crc, bytes);
    }

    private static uint Stretch(uint crc, byte* start)
    {
        var (by128, by64, by32) = (Both(Constants.By128), Both(Constants.By64), Both(Constants.By32));
        var four = stackalloc Vector256<ulong>[4];
        var three = stackalloc uint[3];
        Run(start, crc, by128, four, three);
        var a = Avx2.Xor(Product(four[0], by64), four[2]);
        var b = Avx2.Xor(Product(four[1], by64), four[3]);
        a = Avx2.Xor(Product(a, by32), b);
        // What is left of the folded part is 16 bytes, summed like any others.
        var piece = Fold128<X86CarrylessMultiply>.Step(a.GetLower(), Constants.By16, a.GetUpper());
        var folded = X64Crc32CWord.Step(X64Crc32CWord.Step(0, piece[0]), piece[1]);
        return X64Crc32CWord.Multiply(folded, By3) ^ X64Crc32CWord.Multiply(three[0], By2)
            ^ X64Crc32CWord.Multiply(three[1], By1) ^ three[2];
    }

    // Apart and without a call, so that no register of the loop has to live through one.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run(byte* start, uint crc, Vector256<ulong> by, Vector256<ulong>* four, uint* three)
    {
        var a = Avx2.Xor(Load(start), Vector256.CreateScalar((ulong)crc));
        var (b, c, d) = (Load(start + 32), Load(start + 64), Load(start + 96));
        ulong first = 0, second = 0, third = 0;
        var words = start + FoldedBytes;
        var end = words;
        for (start += FoldedTurnBytes; start != end; start += FoldedTurnBytes, words += WordsTurnBytes)
        {
            a = Step(a, by, start);
            first = Sse42.X64.Crc32(first, *(ulong*)words);
            second = Sse42.X64.Crc32(second, *(ulong*)(words + WordsBytes));
            third = Sse42.X64.Crc32(third, *(ulong*)(words + 2 * WordsBytes));
            first = Sse42.X64.Crc32(first, *(ulong*)(words + 8));
            second = Sse42.X64.Crc32(second, *(ulong*)(words + WordsBytes + 8));
            third = Sse42.X64.Crc32(third, *(ulong*)(words + 2 * WordsBytes + 8));
            b = Step(b, by, start + 32);
            first = Sse42.X64.Crc32(first, *(ulong*)(words + 16));
            second = Sse42.X64.Crc32(second, *(ulong*)(words + WordsBytes + 16));
            third = Sse42.X64.Crc32(third, *(ulong*)(words + 2 * WordsBytes + 16));
            c = Step(c, by, start + 64);
            first = Sse42.X64.Crc32(first, *(ulong*)(words + 24));
            second = Sse42.X64.Crc32(second, *(ulong*)(words + WordsBytes + 24));
            third = Sse42.X64.Crc32(third, *(ulong*)(words + 2 * WordsBytes + 24));
            d = Step(d, by, start + 96);
            first = Sse42.X64.Crc32(first, *(ulong*)(words + 32));
            second = Sse42.X64.Crc32(second, *(ulong*)(words + WordsBytes + 32));
            third = Sse42.X64.Crc32(third, *(ulong*)(words + 2 * WordsBytes + 32));
        }

        (four[0], four[1], four[2], four[3]) = (a, b, c, d);
        (three[0], three[1], three[2]) = ((uint)first, (uint)second, (uint)third);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Step(Vector256<ulong> piece, Vector256<ulong> by, byte* next) =>
        Avx2.Xor(Product(piece, by), Load(next));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Product(Vector256<ulong> piece, Vector256<ulong> by) => Avx2.Xor(
        Pclmulqdq.V256.CarrylessMultiply(piece, by, 0x00), Pclmulqdq.V256.CarrylessMultiply(piece, by, 0x11));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Both(Vector128<ulong> half) => Vector256.Create(half, half);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Load(byte* at) => *(Vector256<ulong>*)at;

    private static uint Move(int bytes) => (uint)Crc32CTable.Field.Power(8L * bytes - 33);
}
