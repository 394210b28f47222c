using System.Buffers.Binary;

namespace Thaw.Core.Checksums;

/// <summary>CRC-32C on any machine: slicing-by-8 (Kounavis and Berry, 2005). Raw registers, no inversion.</summary>
internal static class Crc32CTable
{
    /// <summary>The reflected polynomial of RFC 3720.</summary>
    public static readonly CrcField Field = new(0x82F63B78, 32);

    private static readonly uint[] Tables = Array.ConvertAll(Field.SlicingTables(), static entry => (uint)entry);
    private static readonly ulong By33 = Field.Power(33);

    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> t = Tables;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = t[0x700 + (byte)low] ^ t[0x600 + (byte)(low >> 8)]
                ^ t[0x500 + (byte)(low >> 16)] ^ t[0x400 + (int)(low >> 24)]
                ^ t[0x300 + (byte)high] ^ t[0x200 + (byte)(high >> 8)]
                ^ t[0x100 + (byte)(high >> 16)] ^ t[(int)(high >> 24)];
        }

        foreach (var value in bytes)
            crc = (crc >> 8) ^ t[(byte)(crc ^ value)];
        return crc;
    }

    /// <summary>a * b * x^33 mod P, as <see cref="ICrc32CWord.Multiply"/> gives it.</summary>
    public static uint MultiplyBy33(uint a, uint b) => (uint)Field.Multiply(Field.Multiply(a, b), By33);
}
