using System.Globalization;
using Thaw.Core.Chunks;

namespace Thaw.Endpoints.S3;

/// <summary>What a Range header asks of an object of known size (RFC 9110, 14.1.2 and 14.2).</summary>
internal enum RangeOutcome
{
    /// <summary>No range, several, another unit or a malformed one: the whole object, as S3 answers.</summary>
    Whole,

    /// <summary>One range that overlaps the object.</summary>
    Part,

    /// <summary>One range outside of the object.</summary>
    Unsatisfiable,
}

/// <summary>Reads a Range header.</summary>
internal static class RangeHeader
{
    /// <summary>Applies a header to an object's size.</summary>
    public static RangeOutcome Apply(string? header, long sizeBytes, out ByteRange range)
    {
        range = ByteRange.All(sizeBytes);
        if (header is null || !header.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
            return RangeOutcome.Whole;
        var spec = header.AsSpan("bytes=".Length).Trim();
        var dash = spec.IndexOf('-');
        if (dash < 0 || spec.Contains(','))
            return RangeOutcome.Whole;
        var first = spec[..dash].Trim();
        var last = spec[(dash + 1)..].Trim();
        if (first.IsEmpty)
            return TryOffset(last, out var suffix) ? Suffix(suffix, sizeBytes, out range) : RangeOutcome.Whole;
        if (!TryOffset(first, out var start))
            return RangeOutcome.Whole;
        var end = long.MaxValue;
        if (!last.IsEmpty && !TryOffset(last, out end) || end < start)
            return RangeOutcome.Whole;
        if (start >= sizeBytes)
            return RangeOutcome.Unsatisfiable;
        range = new ByteRange(start, Math.Min(end, sizeBytes - 1) - start + 1);
        return RangeOutcome.Part;
    }

    private static RangeOutcome Suffix(long suffix, long sizeBytes, out ByteRange range)
    {
        var length = Math.Min(suffix, sizeBytes);
        range = new ByteRange(sizeBytes - length, length);
        return length == 0 ? RangeOutcome.Unsatisfiable : RangeOutcome.Part;
    }

    /// <summary>Digits only; a number beyond 63 bits counts as the largest one.</summary>
    private static bool TryOffset(ReadOnlySpan<char> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
            return false;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value))
            value = long.MaxValue;
        return true;
    }
}
