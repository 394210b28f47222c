using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Thaw.Core.Checksums;

/// <summary>
/// CRC-32C by the machine's instruction, three thirds of a stretch at a time: the instruction needs three cycles and
/// starts one every cycle. The thirds are joined by a multiplication each. Raw registers, no inversion.
/// </summary>
internal static class Crc32CThreeWay<T>
    where T : struct, ICrc32CWord
{
    private const int LongBytes = 4096;
    private const int ShortBytes = 256;

    private static readonly uint LongBy1 = Move(LongBytes);
    private static readonly uint LongBy2 = Move(2 * LongBytes);
    private static readonly uint ShortBy1 = Move(ShortBytes);
    private static readonly uint ShortBy2 = Move(2 * ShortBytes);

    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 3 * LongBytes; bytes = bytes[(3 * LongBytes)..])
            crc = Thirds(crc, bytes, LongBytes, LongBy1, LongBy2);
        for (; bytes.Length >= 3 * ShortBytes; bytes = bytes[(3 * ShortBytes)..])
            crc = Thirds(crc, bytes, ShortBytes, ShortBy1, ShortBy2);
        return One(crc, bytes);
    }

    /// <summary>One instruction after the other: for short texts.</summary>
    public static uint One(uint crc, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = T.Step(crc, word);
        foreach (var value in bytes[(words.Length * sizeof(ulong))..])
            crc = T.Step(crc, value);
        return crc;
    }

    private static uint Thirds(uint first, ReadOnlySpan<byte> bytes, int length, uint by1, uint by2)
    {
        uint second = 0, third = 0;
        ref var at = ref MemoryMarshal.GetReference(bytes);
        ref var end = ref Unsafe.Add(ref at, length);
        while (Unsafe.IsAddressLessThan(ref at, ref end))
        {
            first = T.Step(first, Unsafe.ReadUnaligned<ulong>(ref at));
            second = T.Step(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, length)));
            third = T.Step(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, 2 * length)));
            first = T.Step(first, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, 8)));
            second = T.Step(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, length + 8)));
            third = T.Step(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref at, 2 * length + 8)));
            at = ref Unsafe.Add(ref at, 16);
        }

        return T.Multiply(first, by2) ^ T.Multiply(second, by1) ^ third;
    }

    private static uint Move(int bytes) => (uint)Crc32CTable.Field.Power(8L * bytes - 33);
}
