using System.Globalization;

namespace Thaw.Core.Units;

/// <summary>
/// A number of bytes, from 0 to 2^63-1; written as <c>512MiB</c>, <c>1.5GiB</c>, <c>200MB</c> or <c>1048576</c>.
/// </summary>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>
{
    private static readonly (string Suffix, long Factor)[] Suffixes =
    [
        ("PiB", 1L << 50), ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("PB", 1_000_000_000_000_000), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000),
        ("KB", 1_000), ("kB", 1_000), ("B", 1),
    ];

    /// <summary>
    /// Reads a size; decimal and binary units, one optional space; rejects negatives, overflow and rubbish.
    /// </summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        if (string.IsNullOrWhiteSpace(text))
            return false;
        var number = text.Trim();
        long factor = 1;
        foreach (var (suffix, unit) in Suffixes)
        {
            if (!number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
                continue;
            number = number[..^suffix.Length].TrimEnd();
            factor = unit;
            break;
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || value > long.MaxValue / (decimal)factor)
            return false;
        size = new ByteSize((long)(value * factor));
        return true;
    }

    /// <inheritdoc />
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>The shortest binary form with at most two decimals: <c>1.5 GiB</c>.</summary>
    public override string ToString()
    {
        foreach (var (suffix, factor) in Suffixes.AsSpan(0, 5))
            if (Bytes >= factor)
                return string.Create(CultureInfo.InvariantCulture, $"{(decimal)Bytes / factor:0.##} {suffix}");
        return string.Create(CultureInfo.InvariantCulture, $"{Bytes} B");
    }
}
