using System.Globalization;

namespace Thaw.Cli.Demo;

/// <summary>
/// The demo's temporary directory, named after the process. It goes when the demo ends; what a killed demo left is
/// swept by the next one.
/// </summary>
internal sealed class DemoPlace : IDisposable
{
    private const string Prefix = "thaw-demo-";

    private DemoPlace(string path) => Root = path;

    /// <summary>The directory.</summary>
    public string Root { get; }

    /// <summary>Sweeps what dead processes left and makes a directory.</summary>
    public static DemoPlace Create()
    {
        var temp = Path.GetTempPath();
        foreach (var left in Directory.EnumerateDirectories(temp, Prefix + "*"))
        {
            if (int.TryParse(Path.GetFileName(left).AsSpan(Prefix.Length), NumberStyles.None,
                CultureInfo.InvariantCulture, out var pid)
                && (pid == Environment.ProcessId || !Directory.Exists($"/proc/{pid}")))
                Directory.Delete(left, recursive: true);
        }

        var place = Path.Combine(temp, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}"));
        Directory.CreateDirectory(place);
        return new DemoPlace(place);
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(Root, recursive: true);
}
