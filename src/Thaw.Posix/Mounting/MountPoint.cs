using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Thaw.Posix.Bindings;
using Thaw.Posix.Loop;

namespace Thaw.Posix.Mounting;

/// <summary>
/// A directory where the tree is mounted: cleaned of a dead mount that a killed process left, mounted, unmounted.
/// Errors are <see cref="IOException"/>s whose message says what to do.
/// </summary>
internal sealed class MountPoint
{
    /// <summary>A dead mount answers at once; whatever takes longer belongs to someone who lives.</summary>
    private static readonly TimeSpan AnswerOfDead = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger;

    private MountPoint(string path, Channel channel, bool byHelper, ILogger logger) =>
        (Path, Channel, IsByHelper, _logger) = (path, channel, byHelper, logger);

    public string Path { get; }

    /// <summary>The connection.</summary>
    public Channel Channel { get; }

    /// <summary>Whether the set-uid helper mounted it, since this process may not.</summary>
    public bool IsByHelper { get; }

    /// <summary>Mounts; the kernel's first request is waiting then.</summary>
    public static async Task<MountPoint> MountAsync(string path, ILogger logger)
    {
        // The path itself may be a dead mount, which cannot be followed; the folder above can.
        if (System.IO.Path.GetDirectoryName(path) is { } above)
            path = System.IO.Path.Combine(Native.Resolve(above), System.IO.Path.GetFileName(path));
        await CleanAsync(path, logger).ConfigureAwait(false);
        try
        {
            Directory.CreateDirectory(path);
            if (Directory.EnumerateFileSystemEntries(path).Any())
                throw new IOException($"{path} is not empty; name an empty directory, or one that does not exist.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} cannot be mounted on: {error.Message}", error);
        }

        var handle = Native.Open("/dev/fuse", Native.OpenReadWriteCloseOnExec);
        if (handle.IsInvalid)
            throw new IOException(
                $"/dev/fuse cannot be opened: {Native.Explain(Native.LastError)}; load the module fuse, and give a "
                    + "container the device.");
        if (TryMount(path, handle, out var errno))
            return new MountPoint(path, new Channel(handle), byHelper: false, logger);
        handle.Dispose();
        if (errno is not (Errno.Permission or Errno.NoAccess))
            throw new IOException($"{path} cannot be mounted: {Native.Explain(errno)}.");
        var (helped, problem) = await FuserMount.MountAsync(path).ConfigureAwait(false);
        return helped is not null
            ? new MountPoint(path, new Channel(helped), byHelper: true, logger)
            : throw new IOException(
                $"{path} cannot be mounted without CAP_SYS_ADMIN, and fusermount3 did not help: {problem}; run as "
                + "root, grant the capability or install fuse3.");
    }

    /// <summary>
    /// Takes the mount away. What is in use is detached: those who have files open go on as long as this process
    /// serves them, and with passthrough longer.
    /// </summary>
    /// <returns>Whether nobody had anything open.</returns>
    public async Task<bool> UnmountAsync()
    {
        if (MountLine.At(Path) is not { Type: MountLine.ThawType })
            return true;
        if (await TryUnmountAsync(detach: false).ConfigureAwait(false) is not { } refused)
            return true;
        Log.InUse(_logger, Path, refused);
        if (await TryUnmountAsync(detach: true).ConfigureAwait(false) is { } problem)
            Log.NotUnmounted(_logger, Path, problem);
        return false;
    }

    /// <summary>Lets the kernel read further ahead than the 128 KiB that INIT allows it.</summary>
    public void SetReadAhead()
    {
        const string kibibytes = "1024";
        if (MountLine.At(Path) is not { Type: MountLine.ThawType } mount)
            return;
        try
        {
            File.WriteAllText($"/sys/class/bdi/{mount.Device}/read_ahead_kb", kibibytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.NoReadAhead(_logger, Path, error.Message);
        }
    }

    /// <summary>Takes away what a killed process left at the path, and refuses what lives.</summary>
    private static async Task CleanAsync(string path, ILogger logger)
    {
        while (MountLine.At(path) is { Type: MountLine.ThawType })
        {
            if (!await IsDeadAsync(path).ConfigureAwait(false))
                throw new IOException(
                    $"{path} is mounted by another process; unmount it with \"thaw unmount {path}\" first.");
            if (Native.Unmount(path, Native.UnmountDetach) != 0
                && !await FuserMount.UnmountAsync(path, detach: true).ConfigureAwait(false))
                throw new IOException($"The dead mount at {path} cannot be taken away: run \"umount -l {path}\".");
            Log.Cleaned(logger, path);
        }
    }

    private static async Task<bool> IsDeadAsync(string path)
    {
        try
        {
            return await Task.Run(() => IsDead(path)).WaitAsync(AnswerOfDead).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // A look that hangs belongs to a mount whose process lives; the thread ends with that process.
            return false;
        }
    }

    /// <summary>Null, or why the mount stays.</summary>
    private async Task<string?> TryUnmountAsync(bool detach)
    {
        if (IsByHelper)
            return await FuserMount.UnmountAsync(Path, detach).ConfigureAwait(false) ? null : "fusermount3 refuses";
        return await Task.Run(() => Native.Unmount(Path, detach ? Native.UnmountDetach : 0) == 0
            ? null : Native.Explain(Native.LastError)).ConfigureAwait(false);
    }

    /// <summary>Opening asks the file system itself, while what stat says of a dead one may be remembered.</summary>
    private static bool IsDead(string path)
    {
        using var handle = Native.Open(path, Native.OpenFolderCloseOnExec);
        return handle.IsInvalid && Native.LastError is Errno.NotConnected or Errno.Aborted;
    }

    private static bool TryMount(string path, SafeFileHandle handle, out int errno)
    {
        var options = Options(handle);
        errno = Native.Mount("thaw", path, MountLine.ThawType, Native.MountReadOnly, options) == 0
            ? 0 : Native.LastError;
        return errno == 0;
    }

    private static string Options(SafeFileHandle handle) =>
        $"fd={handle.DangerousGetHandle()},rootmode=40000,user_id={Native.EffectiveUser()},"
        + $"group_id={Native.EffectiveGroup()},default_permissions,allow_other,max_read={Core.Limits.PosixReadBytes}";
}
