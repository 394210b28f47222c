using System.Globalization;
using System.Text;

namespace Thaw.Core.Units;

/// <summary>Lengths of time as users write them: <c>250ms</c>, <c>10s</c>, <c>1h30m</c>, <c>7d</c>.</summary>
public static class Duration
{
    private static readonly (string Suffix, long Ticks)[] Units =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond), ("ms", TimeSpan.TicksPerMillisecond),
    ];

    /// <summary>
    /// Reads parts in falling order of unit, each unit at most once, no sign, no blanks; <c>0</c> needs no unit.
    /// </summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        if (string.IsNullOrEmpty(text))
            return false;
        if (text == "0")
            return true;
        decimal ticks = 0;
        var at = 0;
        var nextUnit = 0;
        while (at < text.Length)
        {
            var digits = at;
            while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
                at++;
            var letters = at;
            while (at < text.Length && char.IsAsciiLetter(text[at]))
                at++;
            var suffix = text[letters..at];
            var unit = Array.FindIndex(Units, nextUnit, candidate => candidate.Suffix == suffix);
            if (unit < 0 || letters - digits > 18 || !decimal.TryParse(
                text.AsSpan(digits, letters - digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out var number)
                || number > long.MaxValue / (decimal)Units[unit].Ticks)
                return false;
            ticks += number * Units[unit].Ticks;
            nextUnit = unit + 1;
        }

        if (ticks > long.MaxValue)
            return false;
        duration = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>The exact form that <see cref="TryParse"/> reads, down to milliseconds: <c>1h30m</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var text = new StringBuilder();
        var left = duration.Ticks;
        foreach (var (suffix, ticks) in Units)
        {
            if (left < ticks)
                continue;
            text.Append(CultureInfo.InvariantCulture, $"{left / ticks}{suffix}");
            left %= ticks;
        }

        return text.Length == 0 ? "0s" : text.ToString();
    }

    /// <summary>A rounded form for a person, at most two units: <c>2m 05s</c>, <c>0.8s</c>.</summary>
    public static string Round(TimeSpan duration)
    {
        if (duration < TimeSpan.FromSeconds(10))
            return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.0}s");
        if (duration < TimeSpan.FromMinutes(1))
            return string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0}s");
        if (duration < TimeSpan.FromHours(1))
            return string.Create(CultureInfo.InvariantCulture, $"{duration.Minutes}m {duration.Seconds:00}s");
        return duration < TimeSpan.FromDays(1)
            ? string.Create(CultureInfo.InvariantCulture, $"{duration.Hours}h {duration.Minutes:00}m")
            : string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalDays}d {duration.Hours:00}h");
    }
}
