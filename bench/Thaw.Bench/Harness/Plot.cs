using System.Globalization;
using System.Net;
using System.Text;

namespace Thaw.Bench.Harness;

/// <summary>Small SVG drawings, readable on light and dark pages.</summary>
internal sealed class Plot
{
    private const int Width = 860;
    private const int Left = 330;
    private const int Right = 60;
    private const int RowHeight = 26;
    private const int Top = 46;

    private readonly StringBuilder _shapes = new();

    /// <summary>
    /// Each row's ratio of Thaw to its peer, median with least and most, on a logarithmic scale; the mark is the aim.
    /// </summary>
    public static string OfRatios(string title, IReadOnlyList<Comparison> rows)
    {
        var plot = new Plot();
        var lowest = Math.Min(0.5, rows.Min(row => row.Ratio.Least));
        var highest = Math.Max(2, rows.Max(row => Math.Max(row.Ratio.Most, row.Aim)));
        double X(double ratio) => Left + (Width - Left - Right) * Math.Log(ratio / lowest) / Math.Log(highest / lowest);
        plot.Text(10, 20, title, "title");
        foreach (var tick in (double[])[0.25, 0.5, 1, 2, 4, 8])
            if (tick >= lowest && tick <= highest)
            {
                plot.Line(X(tick), Top - 8, X(tick), Top + rows.Count * RowHeight, tick == 1 ? "one" : "grid");
                plot.Text(X(tick) - 8, Top - 12, $"{Number(tick)} x", "small");
            }

        for (var index = 0; index < rows.Count; index++)
        {
            var (row, y) = (rows[index], Top + index * RowHeight + 14);
            var (least, median, most) = row.Ratio;
            var note = row.IsTime ? " (less is better)" : "";
            plot.Text(10, y + 4, $"{row.Control}: {row.Name} / {row.Peer}{note}", "small");
            plot.Line(X(least), y, X(most), y, "range");
            plot.Dot(X(median), y);
            if (row.Aim > 0)
                plot.Line(X(row.Aim), y - 9, X(row.Aim), y + 9, "aim");
            plot.Text(X(most) + 8, y + 4, Number(median), "small");
        }

        return plot.Whole(Top + rows.Count * RowHeight + 14);
    }

    /// <summary>Bars with their values.</summary>
    public static string OfBars(string title, string unit, IReadOnlyList<(string Name, double Value)> bars)
    {
        var plot = new Plot();
        var most = bars.Max(bar => bar.Value);
        plot.Text(10, 20, title, "title");
        for (var index = 0; index < bars.Count; index++)
        {
            var (name, value) = bars[index];
            var y = Top - 14 + index * RowHeight;
            var length = (Width - Left - Right - 40) * value / most;
            plot.Text(10, y + 15, name, "small");
            plot._shapes.AppendLine(CultureInfo.InvariantCulture,
                $"""<rect class="bar" x="{Left}" y="{y}" width="{length:F1}" height="18"/>""");
            plot.Text(Left + length + 6, y + 14, $"{Number(value)} {unit}", "small");
        }

        return plot.Whole(Top + bars.Count * RowHeight);
    }

    /// <summary>One line through points; both axes begin at 0.</summary>
    public static string OfLine(string title, string across, string up, IReadOnlyList<(double X, double Y)> points)
    {
        const int height = 240;
        const int left = 60;
        var plot = new Plot();
        var (mostX, mostY) = (points.Max(point => point.X), points.Max(point => point.Y) * 1.1);
        double X(double value) => left + (Width - left - Right) * value / mostX;
        double Y(double value) => Top + height - height * value / mostY;
        plot.Text(10, 20, title, "title");
        plot.Line(left, Y(0), X(mostX), Y(0), "one");
        plot.Line(left, Y(0), left, Top, "one");
        foreach (var tick in (double[])[0, 0.25, 0.5, 0.75, 1])
        {
            plot.Text(X(mostX * tick) - 10, Top + height + 18, Number(Math.Round(mostX * tick)), "small");
            plot.Text(10, Y(mostY * tick) + 4, Number(Math.Round(mostY * tick)), "small");
        }

        plot.Text(X(mostX) - 60, Top + height + 34, across, "small");
        plot.Text(10, Top - 10, up, "small");
        plot._shapes.AppendLine(CultureInfo.InvariantCulture,
            $"""<polyline class="line" points="{string.Join(' ', points.Select(p => Pair(X(p.X), Y(p.Y))))}"/>""");
        return plot.Whole(Top + height + 44);
    }

    private static string Pair(double x, double y) => string.Create(CultureInfo.InvariantCulture, $"{x:F1},{y:F1}");

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private void Text(double x, double y, string text, string kind) => _shapes.AppendLine(CultureInfo.InvariantCulture,
        $"""<text class="{kind}" x="{x:F1}" y="{y:F1}">{WebUtility.HtmlEncode(text)}</text>""");

    private void Line(double x1, double y1, double x2, double y2, string kind) => _shapes.AppendLine(
        CultureInfo.InvariantCulture,
        $"""<line class="{kind}" x1="{x1:F1}" y1="{y1:F1}" x2="{x2:F1}" y2="{y2:F1}"/>""");

    private void Dot(double x, double y) => _shapes.AppendLine(CultureInfo.InvariantCulture,
        $"""<circle class="dot" cx="{x:F1}" cy="{y:F1}" r="5"/>""");

    private string Whole(int height) => $$"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{Width}} {{height}}" width="{{Width}}">
        <style>
        text { font-family: sans-serif; fill: #555; } .title { font-size: 15px; } .small { font-size: 11px; }
        line, polyline { fill: none; stroke-width: 1; } .grid { stroke: #bbb; } .one { stroke: #777; }
        .range { stroke: #4a90d9; stroke-width: 4; } .aim { stroke: #d9534f; stroke-width: 3; }
        .line { stroke: #4a90d9; stroke-width: 2; } .dot, .bar { fill: #1f5fa8; }
        </style>
        <rect width="100%" height="100%" fill="#fff"/>
        {{_shapes}}</svg>

        """;
}
