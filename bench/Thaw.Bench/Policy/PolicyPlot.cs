using System.Globalization;
using System.Text;

namespace Thaw.Bench.Policy;

/// <summary>Draws the byte hit ratios as bars: a group for each trace and capacity.</summary>
internal static class PolicyPlot
{
    private const int BarWidth = 9;
    private const int Height = 200;
    private const int GroupWidth = 5 * BarWidth + 14;

    private static readonly (string Name, string Colour, Func<PolicyRow, double> Of)[] Bars =
    [
        ("FIFO", "#b0b0b0", row => row.Fifo.HitRatio), ("LRU", "#7f7f7f", row => row.Lru.HitRatio),
        ("Thaw", "#1f77b4", row => row.Thaw.HitRatio), ("Thaw, sealed", "#6baed6", row => row.Sealed.HitRatio),
        ("optimum", "#2ca02c", row => row.Optimum.HitRatio),
    ];

    public static string Draw(IReadOnlyList<PolicyRow> rows)
    {
        var svg = new StringBuilder();
        var width = 60 + rows.Count * GroupWidth;
        svg.AppendLine(string.Create(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{Height + 90}\" "
            + $"font-family=\"sans-serif\" font-size=\"10\">"));
        svg.AppendLine("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        for (var tenth = 0; tenth <= 10; tenth += 2)
            Text(svg, 8, 40 + Height - tenth * Height / 10, string.Create(CultureInfo.InvariantCulture,
                $"{tenth / 10.0:F1}"));
        for (var index = 0; index < rows.Count; index++)
            DrawGroup(svg, rows[index], 40 + index * GroupWidth);
        var x = 40;
        foreach (var (name, colour, _) in Bars)
        {
            Bar(svg, x, 10, 10, 10, colour);
            Text(svg, x + 14, 19, name);
            x += 110;
        }

        return svg.AppendLine("</svg>").ToString();
    }

    private static void DrawGroup(StringBuilder svg, PolicyRow row, int left)
    {
        for (var bar = 0; bar < Bars.Length; bar++)
        {
            var height = Bars[bar].Of(row) * Height;
            Bar(svg, left + bar * BarWidth, 40 + Height - height, BarWidth - 1, height, Bars[bar].Colour);
        }

        Text(svg, left, 40 + Height + 14, row.Trace);
        Text(svg, left, 40 + Height + 28, string.Create(CultureInfo.InvariantCulture, $"{row.Share} %"));
    }

    private static void Bar(StringBuilder svg, int x, double y, int width, double height, string colour) =>
        svg.AppendLine(string.Create(CultureInfo.InvariantCulture,
            $"<rect x=\"{x}\" y=\"{y:F1}\" width=\"{width}\" height=\"{height:F1}\" fill=\"{colour}\"/>"));

    private static void Text(StringBuilder svg, int x, int y, string text) =>
        svg.AppendLine(string.Create(CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\">{text}</text>"));
}
