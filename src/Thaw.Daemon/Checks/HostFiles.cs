using System.Globalization;

namespace Thaw.Daemon.Checks;

/// <summary>
/// Small files of the kernel (<c>/proc</c>, <c>/sys</c>, <c>/dev</c>) below a root; tests bring their own root.
/// </summary>
internal sealed class HostFiles(string root)
{
    /// <summary>The trimmed text of a file, or null if it is not there or may not be read.</summary>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Path.Combine(root, path)).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // kernels differ in what they show; the checks say what they could not see
        }
    }

    /// <summary>Whether there is such a file.</summary>
    public bool Exists(string path) => File.Exists(Path.Combine(root, path));

    /// <summary>Whether this process may read and write such a file.</summary>
    public bool IsOpen(string path)
    {
        try
        {
            File.OpenHandle(
                Path.Combine(root, path), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // which is the answer
        }
    }

    /// <summary>A file that holds one number; null too for <c>max</c>.</summary>
    public long? Number(string path) =>
        long.TryParse(Read(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
