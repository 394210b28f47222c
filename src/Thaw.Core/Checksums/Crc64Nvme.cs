using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Thaw.Core.Checksums;

/// <summary>
/// CRC-64/NVME (reflected polynomial 0x9A6C9329AC4BC9B5, initial and final inversion; NVM Express NVM Command Set 1.0,
/// 5.2.1.3.4): the sum that S3 publishes as <c>x-amz-checksum-crc64nvme</c>. Finished values, as with
/// <see cref="Crc32C"/>.
/// </summary>
public static unsafe class Crc64Nvme
{
    private const int ShortestFold = 64;

    private static readonly CrcField Field = new(0x9A6C9329AC4BC9B5, 64);
    private static readonly ulong[] Tables = Field.SlicingTables();
    private static readonly ulong[] Powers = Field.BytePowers(0);
    private static readonly FoldConstants Constants = new(Field);
    private static readonly delegate*<ref byte, nuint, ulong, FoldConstants, Vector128<ulong>> Fold =
        Fold512.IsSupported && Crc32CPath.Chosen.Name == "vpclmulqdq-512" ? &Fold512.Fold
        : Fold256.IsSupported ? &Fold256.Fold
        : X86CarrylessMultiply.IsSupported ? &Fold128<X86CarrylessMultiply>.Fold
        : ArmCarrylessMultiply.IsSupported ? &Fold128<ArmCarrylessMultiply>.Fold
        : null;

    /// <summary>The CRC of the bytes.</summary>
    public static ulong Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of a text whose CRC so far is <paramref name="crc"/>, followed by the bytes.</summary>
    public static ulong Append(ulong crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        if (Fold != null && bytes.Length >= ShortestFold)
        {
            var whole = bytes.Length & ~15;
            var piece = Fold(ref MemoryMarshal.GetReference(bytes), (nuint)whole, crc, Constants);
            crc = AppendTable(0, MemoryMarshal.AsBytes(new ReadOnlySpan<Vector128<ulong>>(ref piece)));
            bytes = bytes[whole..];
        }

        return ~AppendTable(crc, bytes);
    }

    /// <summary>The CRC of two texts joined, from their CRCs and the length of the second.</summary>
    public static ulong Combine(ulong first, ulong second, long secondLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(secondLength);
        for (var bits = (ulong)secondLength; bits != 0; bits &= bits - 1)
            first = Field.Multiply(first, Powers[BitOperations.TrailingZeroCount(bits)]);
        return first ^ second;
    }

    /// <summary>
    /// Slicing-by-8 on raw registers: for short texts and machines without a carry-less multiplication.
    /// </summary>
    internal static ulong AppendTable(ulong crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> t = Tables;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ crc;
            crc = t[0x700 + (byte)word] ^ t[0x600 + (byte)(word >> 8)]
                ^ t[0x500 + (byte)(word >> 16)] ^ t[0x400 + (byte)(word >> 24)]
                ^ t[0x300 + (byte)(word >> 32)] ^ t[0x200 + (byte)(word >> 40)]
                ^ t[0x100 + (byte)(word >> 48)] ^ t[(int)(word >> 56)];
        }

        foreach (var value in bytes)
            crc = (crc >> 8) ^ t[(byte)(crc ^ value)];
        return crc;
    }
}
