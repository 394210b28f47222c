using System.IO.Hashing;
using System.Numerics;
using CsCheck;
using Thaw.Core.Checksums;
using Xunit;

namespace Thaw.Tests.Core.Checksums;

/// <summary>Every way to compute a CRC gives what the definition, bit by bit, gives.</summary>
public sealed class CrcTests
{
    private const uint Castagnoli = 0x82F63B78;
    private const ulong Nvme = 0x9A6C9329AC4BC9B5;

    public static TheoryData<string> Paths => [.. Crc32CPath.All.Select(path => path.Name)];

    /// <summary>RFC 3720, B.4.</summary>
    [Fact]
    public void Golden_vectors_of_rfc_3720()
    {
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113FDB5Cu, Crc32C.Compute([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0u, Crc32C.Compute([]));
        byte[] command =
        [
            0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
            0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
        ];
        Assert.Equal(0xD9963A56u, Crc32C.Compute(command));
    }

    [Fact]
    public void Golden_vectors_of_crc64_nvme()
    {
        Assert.Equal(0xAE8B14860A799888, Crc64Nvme.Compute("123456789"u8));
        Assert.Equal(0ul, Crc64Nvme.Compute([]));
        Assert.Equal(Nvme, Reverse(0xAD93D23594C93659));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Each_way_equals_the_definition_at_all_lengths_and_alignments(string name)
    {
        var path = Find(name);
        var bytes = Random(1, 5100 + 64);
        for (var length = 0; length <= 5000; length++)
        {
            var text = bytes.AsSpan(length % 64, length);
            Assert.Equal((uint)Bitwise(0x1234567, text, Castagnoli), path.Append(0x1234567, text));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Each_way_equals_the_table_on_long_texts(string name)
    {
        var path = Find(name);
        var bytes = Random(2, (1 << 20) + 4096);
        Gen.Select(Gen.Int[0, 4096], Gen.Int[0, 1 << 20], Gen.UInt).Sample(
            (start, length, crc) =>
                path.Append(crc, bytes.AsSpan(start, length)) == Crc32CTable.Append(crc, bytes.AsSpan(start, length)),
            iter: 100);
    }

    /// <summary>Around the stretches of the ways that take long ones.</summary>
    [Theory]
    [MemberData(nameof(Paths))]
    public void Each_way_equals_the_table_where_stretches_end(string name)
    {
        var path = Find(name);
        var bytes = Random(6, (256 << 10) + 128);
        foreach (var whole in (int[])[12_288, 65_104, 2 * 65_104, 3 * 65_104, 4 * 65_104, 256 << 10])
            for (var length = whole - 17; length <= whole + 17; length++)
            {
                var text = bytes.AsSpan(length % 64, length);
                Assert.Equal(Crc32CTable.Append(9, text), path.Append(9, text));
            }
    }

    [Fact]
    public void Crc64_equals_the_definition()
    {
        var bytes = Random(3, 5100);
        for (var length = 0; length <= 5000; length += length < 600 ? 1 : 7)
        {
            var text = bytes.AsSpan(length % 64, length);
            Assert.Equal(~Bitwise(ulong.MaxValue, text, Nvme), Crc64Nvme.Compute(text));
            Assert.Equal(Crc64.HashToUInt64(Crc64ParameterSet.Nvme, text), Crc64Nvme.Compute(text));
            Assert.Equal(~Crc64Nvme.AppendTable(ulong.MaxValue, text), Crc64Nvme.Compute(text));
        }
    }

    [Fact]
    public void Folding_of_crc64_equals_the_definition_for_each_multiplier()
    {
        var bytes = Random(4, 4096);
        var constants = new FoldConstants(new CrcField(Nvme, 64));
        for (var length = 16; length <= bytes.Length; length += 16)
        {
            var expected = Bitwise(7, bytes.AsSpan(0, length), Nvme);
            if (X86CarrylessMultiply.IsSupported)
                Assert.Equal(
                    expected, Finish(Fold128<X86CarrylessMultiply>.Fold(ref bytes[0], (nuint)length, 7, constants)));
            if (ArmCarrylessMultiply.IsSupported)
                Assert.Equal(
                    expected, Finish(Fold128<ArmCarrylessMultiply>.Fold(ref bytes[0], (nuint)length, 7, constants)));
            if (Fold256.IsSupported)
                Assert.Equal(expected, Finish(Fold256.Fold(ref bytes[0], (nuint)length, 7, constants)));
            if (Fold512.IsSupported)
                Assert.Equal(expected, Finish(Fold512.Fold(ref bytes[0], (nuint)length, 7, constants)));
        }

        static ulong Finish(System.Runtime.Intrinsics.Vector128<ulong> piece) => Bitwise(
            0, System.Runtime.InteropServices.MemoryMarshal.AsBytes([piece[0], piece[1]]), Nvme);
    }

    [Fact]
    public void Combined_sums_are_those_of_the_joined_text()
    {
        var bytes = Random(5, 400_000);
        Gen.Select(Gen.Int[0, 200_000], Gen.Int[0, 200_000]).Sample(
            (first, second) =>
            {
                var a = bytes.AsSpan(0, first);
                var b = bytes.AsSpan(first, second);
                var both = bytes.AsSpan(0, first + second);
                Assert.Equal(Crc32C.Compute(both), Crc32C.Combine(Crc32C.Compute(a), Crc32C.Compute(b), second));
                Assert.Equal(Crc32C.Compute(both), Crc32C.Append(Crc32C.Compute(a), b));
                Assert.Equal(
                    Crc64Nvme.Compute(both), Crc64Nvme.Combine(Crc64Nvme.Compute(a), Crc64Nvme.Compute(b), second));
                Assert.Equal(Crc64Nvme.Compute(both), Crc64Nvme.Append(Crc64Nvme.Compute(a), b));
            },
            iter: 200);
    }

    /// <summary>Lengths that no test can hold in memory: moving by a and then by b is moving by a + b.</summary>
    [Fact]
    public void Combining_works_for_terabytes()
    {
        Gen.Select(Gen.Long[0, 1L << 61], Gen.Long[0, 1L << 61], Gen.UInt, Gen.ULong).Sample((a, b, narrow, wide) =>
        {
            Assert.Equal(Crc32C.Combine(narrow, 0, a + b), Crc32C.Combine(Crc32C.Combine(narrow, 0, a), 0, b));
            Assert.Equal(Crc64Nvme.Combine(wide, 0, a + b), Crc64Nvme.Combine(Crc64Nvme.Combine(wide, 0, a), 0, b));
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => Crc32C.Combine(1, 2, -1));
    }

    [Fact]
    public void The_machines_multiplication_equals_the_plain_one()
    {
        Gen.Select(Gen.UInt, Gen.UInt).Sample((a, b) =>
        {
            var expected = Crc32CTable.MultiplyBy33(a, b);
            if (X64Crc32CWord.IsSupported)
                Assert.Equal(expected, X64Crc32CWord.Multiply(a, b));
            if (Arm64Crc32CWord.IsSupported)
                Assert.Equal(expected, Arm64Crc32CWord.Multiply(a, b));
        });
    }

    [Theory]
    [InlineData(Castagnoli, 32)]
    [InlineData(Nvme, 64)]
    public void Powers_of_x_follow_from_multiplying_by_x(ulong polynomial, int width)
    {
        var field = new CrcField(polynomial, width);
        var x = 1UL << (width - 2);
        for (var exponent = -70; exponent < 200; exponent++)
            Assert.Equal(field.Power(exponent + 1), field.Multiply(field.Power(exponent), x));
        Assert.Equal(1UL << (width - 1), field.Power(0));
    }

    private static Crc32CPath Find(string name)
    {
        var path = Crc32CPath.All.Single(path => path.Name == name);
        Assert.SkipUnless(path.IsSupported, $"this machine has no {name}");
        return path;
    }

    private static byte[] Random(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static ulong Bitwise(ulong register, ReadOnlySpan<byte> bytes, ulong polynomial)
    {
        foreach (var value in bytes)
        {
            register ^= value;
            for (var bit = 0; bit < 8; bit++)
                register = (register >> 1) ^ ((register & 1) * polynomial);
        }

        return register;
    }

    private static ulong Reverse(ulong value)
    {
        ulong reversed = 0;
        for (var rest = value; rest != 0; rest &= rest - 1)
            reversed |= 1UL << (63 - BitOperations.TrailingZeroCount(rest));
        return reversed;
    }
}
