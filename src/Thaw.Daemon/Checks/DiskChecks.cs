using System.Globalization;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Configuration;
using Thaw.Core.Units;
using Thaw.Storage.Recovery;

namespace Thaw.Daemon.Checks;

/// <summary>Use, state, space, holes and speed of one cache disk. A node may be running on it.</summary>
internal static class DiskChecks
{
    private const int PieceBytes = 4 << 20;

    /// <summary>A disk may take this long: twelve times what its file takes on a slow one.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="disk">The disk.</param>
    /// <param name="known">What the node of this configuration says of it; null: it does not run, or not there.</param>
    /// <param name="clock">Measures.</param>
    /// <param name="cancellationToken">Ends the checks.</param>
    public static async Task<IReadOnlyList<Check>> RunAsync(
        DiskConfig disk, DiskStats? known, TimeProvider clock, CancellationToken cancellationToken)
    {
        var checks = known is null ? [] : new List<Check> { State(known) };
        try
        {
            // A disk that hangs must not hang the doctor.
            checks.AddRange(await Task.Run(
                () => Look(disk, known is not null, clock, cancellationToken), cancellationToken)
                    .WaitAsync(Patience, cancellationToken).ConfigureAwait(false));
        }
        catch (TimeoutException)
        {
            checks.Add(Check.Fail("disk", disk.Path, $"it does not answer within {Patience.TotalSeconds:0} s",
                "look at the kernel's log (\"dmesg\"), replace the disk or take it out of cache.disks."));
        }

        return checks;
    }

    private static List<Check> Look(
        DiskConfig disk, bool isOwn, TimeProvider clock, CancellationToken cancellationToken)
    {
        var folder = disk.Path;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
            folder = parent;
        var checks = new List<Check>();
        try
        {
            if (CacheDirectory.FindProblem(disk.Path, isOwn) is { } problem)
                checks.Add(Check.Fail("disk use", disk.Path, problem.Found, problem.Advice));
            checks.Add(Space(disk, folder));
            checks.AddRange(Passthrough(disk.Path, new DriveInfo(folder).DriveFormat));
            checks.AddRange(Probe(disk.Path, folder, clock, cancellationToken));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            checks.Add(Check.Fail("disk", disk.Path, exception.Message.TrimEnd('.'),
                "give the node's user a directory that it may write, and room on it."));
        }

        return checks;
    }

    /// <summary>What the running node says: it knows of calls that failed or hung.</summary>
    private static Check State(DiskStats known)
    {
        const string name = "disk state";
        var found = $"the node says {known.State}";
        return known.State switch
        {
            "healthy" => Check.Ok(name, known.Path, found),
            "slow" => Check.Warn(name, known.Path, found, "a call took a second: look at what else uses the disk."),
            _ => Check.Fail(name, known.Path, found,
                "what it holds is fetched again: look at the kernel's log (\"dmesg\") and replace the disk."),
        };
    }

    private static Check Space(DiskConfig disk, string folder)
    {
        const string name = "disk space";
        var drive = new DriveInfo(folder);
        var (size, free) = (drive.TotalSize, drive.AvailableFreeSpace);
        var used = Directory.Exists(disk.Path) ? FolderUse.BytesBelow(disk.Path) : 0;
        var capacity = disk.Capacity?.Bytes ?? DiskCapacity.Share(disk, size, free, used);
        var found = $"capacity {Text(capacity)}, {Text(used)} of it in use; "
            + $"{Text(free)} of {Text(size)} are free ({drive.DriveFormat})";
        if (capacity > size)
            return Check.Fail(name, disk.Path, found, "lower cache.disks[].capacity below the size of the disk.");
        return capacity - used > free
            ? Check.Warn(name, disk.Path, found,
                "others use this disk: free some of it, or lower cache.disks[].capacity.")
            : Check.Ok(name, disk.Path, found);
    }

    /// <summary>The kernel passes reads through to a file system that lies on no other one.</summary>
    internal static IEnumerable<Check> Passthrough(string path, string format)
    {
        if (format.StartsWith("overlay", StringComparison.Ordinal) || format == "ecryptfs")
            yield return Check.Warn("passthrough", path, $"{format} lies on another file system: the kernel has no "
                + "passthrough to it, and files of the POSIX tree are read at about half the speed",
                "the S3 endpoint is not affected; put the cache on a volume of the host.");
    }

    private static IEnumerable<Check> Probe(
        string path, string folder, TimeProvider clock, CancellationToken cancellationToken)
    {
        var file = Path.Combine(
            folder, string.Create(CultureInfo.InvariantCulture, $".thaw-doctor-{Environment.ProcessId}"));
        try
        {
            long written;
            TimeSpan writing;
            bool punches;
            using (var handle = File.OpenHandle(file, FileMode.Create, FileAccess.ReadWrite))
            {
                var started = clock.GetTimestamp();
                written = Write(handle, clock, cancellationToken);
                RandomAccess.FlushToDisk(handle);
                writing = clock.GetElapsedTime(started);
                punches = DirectFile.TryPunch(handle, 0, PieceBytes);
                handle.Dispose();
            }

            var before = clock.GetTimestamp();
            var read = DirectFile.ReadAll(file, PieceBytes, cancellationToken);
            var reading = clock.GetElapsedTime(before);
            return [Speed(path, written, writing, read, reading), Holes(path, punches)];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static long Write(
        Microsoft.Win32.SafeHandles.SafeFileHandle handle, TimeProvider clock, CancellationToken cancellationToken)
    {
        // Random bytes: some disks and file systems squeeze or skip what repeats.
        var piece = new byte[PieceBytes];
        Random.Shared.NextBytes(piece);
        var started = clock.GetTimestamp();
        long written = 0;
        while (written < Limits.DiskProbeBytes && clock.GetElapsedTime(started) < Limits.DiskProbe)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RandomAccess.Write(handle, piece, written);
            written += PieceBytes;
        }

        return written;
    }

    private static Check Speed(string path, long written, TimeSpan writing, long? read, TimeSpan reading)
    {
        var write = written / writing.TotalSeconds;
        var reads = read is { } bytes ? bytes / reading.TotalSeconds : (double?)null;
        var found = $"writes {Text(write)}/s with fsync, " + (reads is { } rate
            ? $"reads {Text(rate)}/s past the page cache"
            : "reads were not measured: this file system has no O_DIRECT");
        return Math.Min(write, reads ?? write) < Limits.DiskBytesPerSecondWanted
            ? Check.Warn("disk speed", path, found, "an origin may be faster than this disk: use a local NVMe disk.")
            : Check.Ok("disk speed", path, found);
    }

    private static Check Holes(string path, bool punches) => punches
        ? Check.Ok("disk holes", path, "parts of files can be given back")
        : Check.Warn("disk holes", path, "this file system cannot punch holes: only whole objects can be evicted",
            "use ext4, xfs, btrfs or tmpfs.");

    private static string Text(double bytes) => new ByteSize((long)bytes).ToString();
}
