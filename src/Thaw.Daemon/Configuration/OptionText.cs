using System.Globalization;
using System.Net;
using Thaw.Core.Units;

namespace Thaw.Daemon.Configuration;

/// <summary>A capacity as written: bytes or percent; of the free space only where nobody wrote it.</summary>
internal sealed record CapacityValue(ByteSize? Size, int? Percent, bool OfFree = false);

/// <summary>Turns the text of an option into its value, within the bounds of its row.</summary>
internal static class OptionText
{
    /// <summary>
    /// The value, or the sentence that says what is wrong; a null value stands for one of the row's words.
    /// </summary>
    public static (object? Value, string? Sentence) Parse(OptionRow row, string text)
    {
        if (row.Kind != OptionKind.Word && row.Words.Contains(text))
            return (null, null);
        var value = ParseKind(row, text);
        if (value is null)
            return (null, $"\"{Shorten(text)}\" is not {row.Wanted}.");
        var measure = Measure(value);
        return measure < row.Least || measure > row.Most
            ? (null, $"\"{Shorten(text)}\" is out of bounds ({row.Bounds}).")
            : (value, null);
    }

    /// <summary>A long text cut for a message.</summary>
    public static string Shorten(string text) => text.Length <= 80 ? text : text[..77] + "...";

    private static object? ParseKind(OptionRow row, string text) => row.Kind switch
    {
        OptionKind.Text or OptionKind.Url => text.Length == 0 ? null : text,
        OptionKind.Word => row.Words.Contains(text) ? text : null,
        OptionKind.Switch => text switch { "true" => true, "false" => false, _ => null },
        OptionKind.Number =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number : null,
        OptionKind.Size => ByteSize.TryParse(text, out var size) ? size : null,
        OptionKind.Capacity => ParseCapacity(text),
        OptionKind.Duration => Duration.TryParse(text, out var duration) ? duration : null,
        OptionKind.Bandwidth => ParseBandwidth(text),
        OptionKind.Endpoint => ParseEndpoint(text),
        OptionKind.Path => text.StartsWith('/') && !text.Contains('\0') ? text : null,
        _ => throw new InvalidOperationException($"kind {row.Kind}"),
    };

    private static long Measure(object value) => value switch
    {
        long number => number,
        ByteSize size => size.Bytes,
        CapacityValue { Size: { } size } => size.Bytes,
        CapacityValue { Percent: { } percent } => percent is >= 1 and <= 100 ? long.MaxValue : -1,
        TimeSpan duration => (long)duration.TotalMilliseconds,
        _ => long.MaxValue,
    };

    private static CapacityValue? ParseCapacity(string text)
    {
        if (!text.EndsWith('%'))
            return ByteSize.TryParse(text, out var size) ? new CapacityValue(size, null) : null;
        return int.TryParse(text.AsSpan(0, text.Length - 1).TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture,
            out var percent)
            ? new CapacityValue(null, percent) : null;
    }

    private static object? ParseBandwidth(string text) =>
        text.EndsWith("/s", StringComparison.Ordinal) && ByteSize.TryParse(text[..^2], out var size) ? size : null;

    // IPEndPoint.TryParse takes "7400" for an address and gives port 0 to an address alone.
    private static IPEndPoint? ParseEndpoint(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0
            || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return null;
        var host = text[..colon];
        var bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (bracketed)
            host = host[1..^1];
        return bracketed == host.Contains(':') && host.AsSpan().IndexOfAny('.', ':') >= 0
            && IPAddress.TryParse(host, out var address)
            ? new IPEndPoint(address, port) : null;
    }
}
