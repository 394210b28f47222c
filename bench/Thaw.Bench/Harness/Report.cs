using System.Diagnostics;

namespace Thaw.Bench.Harness;

/// <summary>A page of bench/results and its plot, with what they were measured on.</summary>
internal static class Report
{
    /// <summary>Prints the page and, unless it was a quick run, keeps it and its plot.</summary>
    public static void Write(Options options, string name, string title, string text, string plot)
    {
        var page = $"""
            # {title}

            {Where(options)}

            {text}

            ![{title}]({name}.svg)

            """;
        Console.WriteLine(page);
        if (options.IsQuick)
            return;
        var folder = Directory.CreateDirectory(Path.Combine(options.Root, "bench", "results")).FullName;
        File.WriteAllText(Path.Combine(folder, name + ".md"), page);
        File.WriteAllText(Path.Combine(folder, name + ".svg"), plot);
    }

    /// <summary>The table of all rows.</summary>
    public static string Table(IEnumerable<Comparison> rows) =>
        Comparison.Head + "\n" + string.Join('\n', rows.Select(row => row.Row()));

    private static string Where(Options options)
    {
        var cpu = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        var flags = File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        var isBuild = options.Binary.Contains("/bin/", StringComparison.Ordinal);
        var kind = isBuild ? "an ordinary build" : "the native binary";
        return $"""
            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, commit {Commit(options.Root)}, {kind};
            Linux {Text("/proc/sys/kernel/osrelease")}, {Environment.ProcessorCount} x {cpu?.Split(':')[^1].Trim()}
            ({(flags.Contains("vpclmulqdq", StringComparison.Ordinal) ? "with" : "without")} VPCLMULQDQ), load
            {Text("/proc/loadavg")} at the end. Clients and servers share the machine.
            """;
    }

    private static string Text(string path) => File.ReadAllText(path).Trim();

    // Results of this run are no change of what was measured.
    private static string Commit(string root)
    {
        using var git = Process.Start(new ProcessStartInfo("git", [
            "-C", root, "describe", "--always", "--abbrev=10", "--exclude=*",
        ])
        {
            RedirectStandardOutput = true,
        })!;
        var commit = git.StandardOutput.ReadToEnd().Trim();
        using var status = Process.Start(new ProcessStartInfo("git", [
            "-C", root, "status", "--porcelain", "--", ".", ":(exclude)bench/results",
        ])
        {
            RedirectStandardOutput = true,
        })!;
        return status.StandardOutput.ReadToEnd().Length == 0 ? commit : commit + " with changes";
    }
}
