using System.Globalization;
using Thaw.Core.Checksums;
using Thaw.Storage.Disks;

namespace Thaw.Storage.Recovery;

/// <summary>
/// The files <c>format</c>, <c>lock</c> and <c>run</c> at the top of a cache directory: which format it has, that no
/// other process uses it, which boot of the machine last ran on it and whether that run stopped cleanly.
/// A crash leaves <c>clean=no</c>; the entries' boot tags then decide what is checked before it is served.
/// </summary>
internal sealed class RunMarker : IDisposable
{
    private const string FormatLine = "thaw-cache ";
    private const int Format = 1;

    private readonly FileSystem _files;
    private readonly string _root;
    private readonly IDisposable _lock;
    private bool _isOurs;

    private RunMarker(FileSystem files, string root, IDisposable held, string bootId, PreviousRun previous)
    {
        (_files, _root, _lock, BootId, Previous) = (files, root, held, bootId, previous);
        BootTag = TagOf(bootId);
    }

    public string BootId { get; }

    /// <summary>What entries of this boot carry; never 0.</summary>
    public uint BootTag { get; }

    public PreviousRun Previous { get; }

    /// <summary>The kernel's id of this boot.</summary>
    public static string CurrentBootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    /// <summary>
    /// Takes the directory for this process, or throws an <see cref="IOException"/> that says why not.
    /// </summary>
    public static RunMarker Take(FileSystem files, string root, string bootId)
    {
        var held = TakeLock(files, root);
        try
        {
            CheckFormat(files, root);
            var marker = new RunMarker(files, root, held, bootId, ReadPrevious(files, root, bootId));
            marker._isOurs = marker.TryWrite(clean: false);
            return marker;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Notes a clean stop; call it when everything is durable.</summary>
    public bool WriteClean()
    {
        try
        {
            return TryWrite(clean: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // the next run takes this one for killed
        }
    }

    /// <summary>
    /// Whether the directory is still the one that was taken, and whether it can be written: a look at the marker, and
    /// the marker once more. An error of the disk is an answer.
    /// </summary>
    public (bool CanRead, bool CanWrite) Probe()
    {
        try
        {
            // A disk that was full from the start still has the last run's marker.
            if (_files.ReadText(Path.Combine(_root, "run")) is not { } text || (_isOurs && text != Text(clean: false)))
                return (false, false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (false, false);
        }

        try
        {
            _isOurs |= TryWrite(clean: false);
            return (true, true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (true, false);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static IDisposable TakeLock(FileSystem files, string root)
    {
        if (files.Exists(root))
            throw new IOException($"The cache directory {root} is a file; name a directory.");
        try
        {
            files.CreateFolder(root);
            return files.TryLock(Path.Combine(root, "lock")) ?? throw InUse(files, root);
        }
        catch (Exception error) when (error is IOException and not CacheInUseException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The cache directory {root} cannot be written ({error.Message.TrimEnd('.')}); "
                + "give the node's user a directory that it may write.", error);
        }
    }

    /// <summary>Who has the lock, as its run marker says.</summary>
    public static string OwnerOf(FileSystem files, string root)
    {
        var pid = (files.ReadText(Path.Combine(root, "run")) ?? "").Split('\n')
            .FirstOrDefault(line => line.StartsWith("pid=", StringComparison.Ordinal))?[4..];
        return pid is null ? "another process" : $"another node (process {pid})";
    }

    private static CacheInUseException InUse(FileSystem files, string root) => new(
        $"The cache directory {root} is used by {OwnerOf(files, root)}; stop it or give this node its own directory.");

    private static uint TagOf(string bootId) =>
        Crc32C.Compute(System.Text.Encoding.ASCII.GetBytes(bootId)) is var tag and not 0 ? tag : 1;

    private static void CheckFormat(FileSystem files, string root)
    {
        var path = Path.Combine(root, "format");
        var text = files.ReadText(path);
        // An empty one is what a machine that stopped during the very first start may leave.
        if (string.IsNullOrEmpty(text))
        {
            files.ReplaceText(path, FormatLine + Format.ToString(CultureInfo.InvariantCulture) + "\n");
            return;
        }

        if (FindForeignFormat(files, root) is var (found, advice))
            throw new IOException($"{found}; {advice}");
    }

    /// <summary>What is wrong with a directory's format, and what to do; null: nothing, or there is none yet.</summary>
    public static (string Found, string Advice)? FindForeignFormat(FileSystem files, string root)
    {
        var path = Path.Combine(root, "format");
        if (files.ReadText(path) is not { Length: > 0 } text)
            return null;
        var line = text.Split('\n')[0];
        if (!line.StartsWith(FormatLine, StringComparison.Ordinal)
            || !int.TryParse(line.AsSpan(FormatLine.Length), CultureInfo.InvariantCulture, out var format))
            return (
                $"{path} says {Quote(line)}, which is no Thaw cache", "use an empty directory or remove that file.");
        return format <= Format ? null
            : ($"The cache directory {root} has format {format} of a newer Thaw and this one knows {Format}",
                "nothing was touched: use the newer version or another directory.");
    }

    private static string Quote(string line) =>
        line.Length == 0 ? "nothing" : $"\"{line[..Math.Min(40, line.Length)]}\"";

    private static PreviousRun ReadPrevious(FileSystem files, string root, string bootId)
    {
        if (files.ReadText(Path.Combine(root, "run")) is not { } text)
            return PreviousRun.None;
        var lines = text.Split('\n');
        return lines.Contains("clean=yes") ? PreviousRun.Clean
            : lines.Contains("boot=" + bootId) ? PreviousRun.Killed
            : PreviousRun.MachineStopped;
    }

    private string Text(bool clean) =>
        $"boot={BootId}\nclean={(clean ? "yes" : "no")}\n"
        + $"pid={Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\n";

    /// <summary>The marker only informs: a full disk must not keep a node from starting, or from stopping.</summary>
    private bool TryWrite(bool clean)
    {
        try
        {
            _files.ReplaceText(Path.Combine(_root, "run"), Text(clean));
            return true;
        }
        catch (IOException error) when (Native.IsFull(error))
        {
            return false;
        }
    }
}

/// <summary>Another process uses the cache directory.</summary>
internal sealed class CacheInUseException(string message) : IOException(message);

/// <summary>How the last run on a directory ended.</summary>
internal enum PreviousRun
{
    None,
    Clean,

    /// <summary>The process ended without a stop, the machine went on: the kernel kept every write.</summary>
    Killed,

    /// <summary>The machine stopped: entries that were not durable are checked before they are served.</summary>
    MachineStopped,
}
