using System.Text;

namespace Thaw.Daemon.Configuration;

/// <summary>Writes the reference page of the options.</summary>
public static class OptionReference
{
    /// <summary>The page as Markdown.</summary>
    public static string Write()
    {
        var page = new StringBuilder("""
            # Configuration

            Every option of `thaw.yaml`, written from the table that the reader itself uses. `thaw config check FILE`
            tells all errors of a file at once; `thaw config explain KEY` tells one option. An option takes effect after
            a restart unless it is marked `live`; live ones take effect on SIGHUP, or within seconds after the file has
            changed.


            """);
        foreach (var group in OptionTable.Rows.GroupBy(row =>
            row.Key.Split('.')[0].Replace("[]", "", StringComparison.Ordinal)))
        {
            page.Append($"## `{group.Key}`\n\n"
                + "| option | default | bounds | change | what it is for |\n|---|---|---|---|---|\n");
            foreach (var row in group)
                page.Append($"| `{row.Key}` | {(row.Required ? "required" : row.Default)} | {Bounds(row)} | "
                    + $"{Change(row)} | {row.Reason} |\n");
            page.Append('\n');
        }

        page.Append("## Not in this version\n\nThese keys are refused, so that none is silently without effect:\n");
        page.AppendJoin(", ", OptionTable.Planned.Select(planned => $"`{planned.Key}`")).Append(".\n");
        return page.ToString();
    }

    /// <summary><c>live</c> or <c>restart</c>.</summary>
    public static string Change(OptionRow row) => row.Change == OptionChange.Live ? "live" : "restart";

    private static string Bounds(OptionRow row) => row.Unit.Length == 0 ? row.Bounds : $"{row.Bounds}; {row.Unit}";
}
