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

    private readonly string _root;
    private readonly DiskFile _lock;

    private RunMarker(string root, DiskFile lockFile, string bootId, PreviousRun previous)
    {
        (_root, _lock, BootId, Previous) = (root, lockFile, bootId, previous);
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
    public static RunMarker Take(string root, string bootId)
    {
        var lockFile = OpenLock(root);
        try
        {
            if (!Native.TryLock(lockFile.Handle))
                throw InUse(root);
            CheckFormat(root);
            var marker = new RunMarker(root, lockFile, bootId, ReadPrevious(root, bootId));
            marker.TryWrite(clean: false);
            return marker;
        }
        catch
        {
            lockFile.Dispose();
            throw;
        }
    }

    /// <summary>Notes a clean stop; call it when everything is durable.</summary>
    public bool WriteClean() => TryWrite(clean: true);

    public void Dispose() => _lock.Dispose();

    // .NET takes a shared lock of its own when it opens a file, which the other node's exclusive one refuses.
    private static DiskFile OpenLock(string root)
    {
        if (File.Exists(root))
            throw new IOException($"The cache directory {root} is a file; name a directory.");
        try
        {
            Directory.CreateDirectory(root);
            return DiskFile.Open(Path.Combine(root, "lock"), FileMode.OpenOrCreate);
        }
        catch (IOException error) when (error.HResult == Native.WouldBlock)
        {
            throw InUse(root);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The cache directory {root} cannot be written ({error.Message.TrimEnd('.')}); "
                + "give the node's user a directory that it may write.", error);
        }
    }

    private static IOException InUse(string root)
    {
        var run = Path.Combine(root, "run");
        var pid = File.Exists(run)
            ? File.ReadLines(run).FirstOrDefault(line => line.StartsWith("pid=", StringComparison.Ordinal))?[4..]
            : null;
        var process = pid is null ? "another process" : $"another node (process {pid})";
        return new IOException(
            $"The cache directory {root} is used by {process}; stop it or give this node its own directory.");
    }

    private static uint TagOf(string bootId) =>
        Crc32C.Compute(System.Text.Encoding.ASCII.GetBytes(bootId)) is var tag and not 0 ? tag : 1;

    private static void CheckFormat(string root)
    {
        var path = Path.Combine(root, "format");
        // An empty one is what a machine that stopped during the very first start may leave.
        if (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            Replace(path, FormatLine + Format.ToString(CultureInfo.InvariantCulture) + "\n");
            return;
        }

        var line = File.ReadLines(path).FirstOrDefault() ?? "";
        if (!line.StartsWith(FormatLine, StringComparison.Ordinal)
            || !int.TryParse(line.AsSpan(FormatLine.Length), CultureInfo.InvariantCulture, out var format))
            throw new IOException(
                $"{path} says {Quote(line)}, which is no Thaw cache; use an empty directory or remove that file.");
        if (format > Format)
            throw new IOException(
                $"The cache directory {root} has format {format} of a newer Thaw and this one knows {Format}; "
                + "nothing was touched: use the newer version or another directory.");
    }

    private static string Quote(string line) =>
        line.Length == 0 ? "nothing" : $"\"{line[..Math.Min(40, line.Length)]}\"";

    private static PreviousRun ReadPrevious(string root, string bootId)
    {
        var path = Path.Combine(root, "run");
        if (!File.Exists(path))
            return PreviousRun.None;
        var lines = File.ReadAllLines(path);
        return lines.Contains("clean=yes") ? PreviousRun.Clean
            : lines.Contains("boot=" + bootId) ? PreviousRun.Killed
            : PreviousRun.MachineStopped;
    }

    /// <summary>The marker only informs: a full disk must not keep a node from starting, or from stopping.</summary>
    private bool TryWrite(bool clean)
    {
        try
        {
            Replace(
                Path.Combine(_root, "run"),
                $"boot={BootId}\nclean={(clean ? "yes" : "no")}\n"
                    + $"pid={Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\n");
            return true;
        }
        catch (IOException error) when (Native.IsFull(error))
        {
            return false;
        }
    }

    private static void Replace(string path, string text)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        Native.SyncFolder(Path.GetDirectoryName(path)!);
    }
}

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
