using System.Globalization;
using System.Net;
using System.Text;

namespace Thaw.Bench.ColdStart;

/// <summary>
/// Progress of every node over time: MiB against seconds, a line for each node; dashed where the ideal is.
/// </summary>
internal static class ProgressPlot
{
    private const int Width = 860;
    private const int Height = 360;
    private const int Left = 60;
    private const int Top = 50;
    private const int Bottom = 40;

    public static string Of(
        string title, double ideal, IReadOnlyList<(string Name, string Color, ColdRun Run)> runs, double endSeconds)
    {
        var shapes = new StringBuilder();
        var mostBytes = runs.Max(run => run.Run.Readings.Max(one => one.Progress[^1].Bytes));
        double X(double seconds) => Left + (Width - Left - 20) * Math.Min(seconds, endSeconds) / endSeconds;
        double Y(double bytes) => Height - Bottom - (Height - Bottom - Top) * bytes / mostBytes;
        void Text(double x, double y, string text, string color = "#555") => shapes.AppendLine(
            CultureInfo.InvariantCulture,
            $"""<text x="{x:F1}" y="{y:F1}" fill="{color}">{WebUtility.HtmlEncode(text)}</text>""");
        Text(Left, 18, title);
        for (var tick = 0; tick <= 4; tick++)
        {
            Text(X(endSeconds * tick / 4) - 10, Height - 16, $"{endSeconds * tick / 4:F0} s");
            Text(6, Y(mostBytes * tick / 4.0) + 4, $"{mostBytes * tick / 4 >> 20} MiB");
        }

        Line(shapes, X(0), Y(0), X(endSeconds), Y(0), "#777");
        Line(shapes, X(0), Y(0), X(0), Y(mostBytes), "#777");
        Line(shapes, X(ideal), Y(0), X(ideal), Y(mostBytes), "#2a2", "6,4");
        Text(X(ideal) - 12, Top - 4, "ideal", "#2a2");
        for (var index = 0; index < runs.Count; index++)
        {
            Text(Left + 120 * index, 36, runs[index].Name, runs[index].Color);
            foreach (var one in runs[index].Run.Readings)
            {
                var points = one.Progress.Prepend((Seconds: 0, Bytes: 0))
                    .Where(point => one.Begun + point.Seconds <= endSeconds)
                    .Select(point => string.Create(
                        CultureInfo.InvariantCulture, $"{X(one.Begun + point.Seconds):F1},{Y(point.Bytes):F1}"));
                shapes.AppendLine(
                    $"""<polyline stroke="{runs[index].Color}" points="{string.Join(' ', points)}"/>""");
            }
        }

        return $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{Width}} {{Height}}" width="{{Width}}">
            <style>text { font-family: sans-serif; font-size: 12px; }
            polyline { fill: none; stroke-width: 1.2; }</style>
            <rect width="100%" height="100%" fill="#fff"/>
            {{shapes}}</svg>

            """;
    }

    private static void Line(
        StringBuilder shapes, double x1, double y1, double x2, double y2, string color, string dashes = "none") =>
        shapes.AppendLine(CultureInfo.InvariantCulture,
            $"""
            <line x1="{x1:F1}" y1="{y1:F1}" x2="{x2:F1}" y2="{y2:F1}" stroke="{color}" stroke-dasharray="{dashes}"/>
            """);
}
