namespace Thaw.Core.Checksums;

/// <summary>
/// Arithmetic of polynomials over GF(2) modulo a CRC's polynomial P of degree 32 or 64, in reflected form: bit i of a
/// value is the coefficient of x^(width-1-i). All constants of the fast paths are computed here from P, none is copied.
/// </summary>
internal sealed class CrcField(ulong polynomial, int width)
{
    /// <summary>P without its highest term, reflected.</summary>
    public ulong Polynomial => polynomial;

    private ulong One => 1UL << (width - 1);

    /// <summary>a * b mod P.</summary>
    public ulong Multiply(ulong a, ulong b)
    {
        ulong product = 0;
        for (var bit = One; bit != 0; bit >>= 1)
        {
            product ^= b & (0 - ((a & bit) != 0 ? 1UL : 0));
            b = (b >> 1) ^ (polynomial & (0 - (b & 1)));
        }

        return product;
    }

    /// <summary>
    /// x^exponent mod P; exponents may be negative, since P has a constant term and x therefore an inverse.
    /// </summary>
    public ulong Power(long exponent)
    {
        var power = One;
        if (exponent < 0)
        {
            for (; exponent < 0; exponent++)
                power = (power & One) != 0 ? ((power ^ polynomial) << 1) | 1 : power << 1;
            return width == 64 ? power : power & ((1UL << width) - 1);
        }

        var square = One >> 1;
        for (; exponent != 0; exponent >>= 1)
        {
            if ((exponent & 1) != 0)
                power = Multiply(power, square);
            square = Multiply(square, square);
        }

        return power;
    }

    /// <summary>
    /// x^(8 * 2^k - less) mod P for k = 0..62: what a CRC is multiplied with to move it 2^k bytes on.
    /// </summary>
    public ulong[] BytePowers(int less)
    {
        var powers = new ulong[63];
        var (square, shift) = (Power(8), Power(-less));
        for (var k = 0; k < powers.Length; k++)
        {
            powers[k] = Multiply(square, shift);
            square = Multiply(square, square);
        }

        return powers;
    }

    /// <summary>
    /// Tables of slicing-by-8: entry [s * 256 + b] is the CRC register after byte b and s zero bytes.
    /// </summary>
    public ulong[] SlicingTables()
    {
        var tables = new ulong[8 * 256];
        for (var value = 0; value < 256; value++)
        {
            var crc = (ulong)value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (polynomial & (0 - (crc & 1)));
            tables[value] = crc;
        }

        for (var i = 256; i < tables.Length; i++)
            tables[i] = (tables[i - 256] >> 8) ^ tables[tables[i - 256] & 0xFF];
        return tables;
    }

    /// <summary>
    /// A value's 64 bits as an operand of a carry-less multiplication: its coefficients at the same end.
    /// </summary>
    public ulong Aligned(ulong value) => value << (64 - width);
}
