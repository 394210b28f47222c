using System.Globalization;
using Thaw.Core;
using Thaw.Core.Units;

namespace Thaw.Cli.Progress;

/// <summary>How far one place is.</summary>
internal readonly record struct PlaceProgress(string Name, long DoneBytes, long TotalBytes);

/// <summary>
/// Shows progress on the error stream: repainted on a terminal, else a plain line every few seconds. One caller at a
/// time.
/// </summary>
internal sealed class ProgressView(Terminal terminal, string what, bool quiet)
{
    private const string ClearBelow = "\e[J";

    private readonly RateWindow _rate = new(terminal.Clock);
    private int _painted;
    private long? _lastPlain;

    /// <summary>Shows a new state.</summary>
    /// <param name="doneBytes">Bytes done.</param>
    /// <param name="totalBytes">Bytes to do, as far as known.</param>
    /// <param name="places">Progress of each node; shown when there are several.</param>
    public void Show(long doneBytes, long totalBytes, IReadOnlyList<PlaceProgress> places)
    {
        _rate.Add(doneBytes);
        if (terminal.Live)
            Paint(doneBytes, totalBytes, places);
        else if (!quiet)
            WritePlain(doneBytes, totalBytes);
    }

    /// <summary>Leaves the last state on the screen.</summary>
    public void End() => _painted = 0;

    /// <summary>The text of a state: <c>load 1.5 of 2 GiB (75%), 210 MiB/s, 2s left</c>.</summary>
    internal static string Line(string what, long doneBytes, long totalBytes, double bytesPerSecond, TimeSpan? left)
    {
        var percent = totalBytes == 0 ? 0 : doneBytes * 100.0 / totalBytes;
        var time = left is { } known && doneBytes < totalBytes ? $", {Duration.Round(known)} left" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{what}: {new ByteSize(doneBytes)} of {new ByteSize(totalBytes)} ({percent:0}%), "
                + $"{new ByteSize((long)bytesPerSecond)}/s{time}");
    }

    private void Paint(long doneBytes, long totalBytes, IReadOnlyList<PlaceProgress> places)
    {
        if (_painted > 0)
            terminal.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\e[{_painted}F{ClearBelow}"));
        terminal.Error.WriteLine(
            Line(what, doneBytes, totalBytes, _rate.BytesPerSecond, _rate.Left(totalBytes - doneBytes)));
        _painted = 1;
        if (places.Count < 2)
            return;
        foreach (var place in places)
        {
            terminal.Error.WriteLine(
                $"  {place.Name}: {new ByteSize(place.DoneBytes)} of {new ByteSize(place.TotalBytes)}");
            _painted++;
        }
    }

    private void WritePlain(long doneBytes, long totalBytes)
    {
        var now = terminal.Clock.GetTimestamp();
        if (_lastPlain is { } last && terminal.Clock.GetElapsedTime(last, now) < Limits.PlainProgress)
            return;
        _lastPlain = now;
        terminal.Error.WriteLine(
            Line(what, doneBytes, totalBytes, _rate.BytesPerSecond, _rate.Left(totalBytes - doneBytes)));
    }
}
