using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thaw.Testing;

namespace Thaw.Faults;

/// <summary>
/// A small file system of its own on a loop device, which can be frozen, made read-only or shut down for good.
/// Disposing thaws, unmounts and detaches it, whatever happened to it.
/// </summary>
internal sealed partial class LoopDisk : IAsyncDisposable
{
    /// <summary>EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN: both are _IOR('X', 125, u32).</summary>
    private const ulong GoingDown = 0x8004587D;

    private readonly TempFolder _folder = new();
    private string? _device;
    private readonly string _kind;
    private int _mounts;
    private bool _isFrozen;

    private LoopDisk(string kind) => _kind = kind;

    /// <summary>Where it is mounted.</summary>
    public string Path => _folder["mounted"];

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? Missing =>
        !File.Exists("/dev/loop-control") ? "this machine has no loop devices"
        : Environment.UserName != "root" ? "loop devices need root"
        : null;

    /// <summary>Makes and mounts one.</summary>
    /// <param name="kind">ext4 or xfs.</param>
    /// <param name="bytes">Size of its image; XFS needs 300 MiB.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<LoopDisk> MakeAsync(string kind, long bytes, CancellationToken cancellationToken)
    {
        var disk = new LoopDisk(kind);
        try
        {
            var image = disk._folder["image"];
            using (var file = File.OpenHandle(image, FileMode.CreateNew, FileAccess.Write))
                RandomAccess.SetLength(file, bytes);
            await new Command($"mkfs.{kind}", "-q", image).RunAsync(cancellationToken);
            disk._device = (await new Command("losetup", "--find", "--show", image).RunAsync(cancellationToken)).Trim();
            Directory.CreateDirectory(disk.Path);
            await disk.MountAsync(cancellationToken);
            return disk;
        }
        catch
        {
            await disk.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes wait from now on, for as long as it is frozen.</summary>
    public async Task FreezeAsync(CancellationToken cancellationToken)
    {
        await new Command("fsfreeze", "--freeze", Path).RunAsync(cancellationToken);
        _isFrozen = true;
    }

    public async Task ThawAsync()
    {
        if (_isFrozen)
            await new Command("fsfreeze", "--unfreeze", Path).RunAsync(CancellationToken.None);
        _isFrozen = false;
    }

    /// <summary>Mounts it anew, as one does with a disk that was shut down. Nobody has files open there.</summary>
    public async Task RemountAsync(CancellationToken cancellationToken)
    {
        await new Command("umount", Path).RunAsync(cancellationToken);
        _mounts--;
        await MountAsync(cancellationToken);
    }

    /// <summary>
    /// Read-only, as after an error of the medium: an ordinary remount is refused while files are open for writing. XFS
    /// knows no such state, but a mount of it that is read-only and lies over the first one: what is open stays
    /// writable.
    /// </summary>
    public async Task MakeReadOnlyAsync(CancellationToken cancellationToken)
    {
        if (_kind == "ext4")
        {
            await new Command("mount", "-o", "remount,abort", Path).RunAsync(cancellationToken);
            return;
        }

        await new Command("mount", "--bind", Path, Path).RunAsync(cancellationToken);
        _mounts++;
        await new Command("mount", "-o", "remount,bind,ro", Path).RunAsync(cancellationToken);
    }

    /// <summary>Read-only as an operator makes it; nothing may be open for writing.</summary>
    public Task RemountReadOnlyAsync(CancellationToken cancellationToken) =>
        new Command("mount", "-o", "remount,ro", Path).RunAsync(cancellationToken);

    /// <summary>Takes all room that is left, by a file of zeros.</summary>
    public async Task FillAsync(CancellationToken cancellationToken)
    {
        var fill = new Command("dd", "if=/dev/zero", $"of={System.IO.Path.Combine(Path, "fill")}", "bs=64k");
        var (code, _, error) = await fill.TryRunAsync(cancellationToken);
        if (code != 1 || !error.Contains("No space left on device", StringComparison.Ordinal))
            throw new InvalidOperationException($"The disk is not full: {code} {error}");
    }

    /// <summary>Every call fails from now on.</summary>
    public void ShutDown()
    {
        using var any = File.OpenHandle(System.IO.Path.Combine(Path, "shutdown"), FileMode.Create, FileAccess.Write);
        uint withoutFlush = 2;
        if (IoControl(any, GoingDown, ref withoutFlush) != 0)
            throw new InvalidOperationException($"The shutdown failed with {Marshal.GetLastPInvokeError()}.");
    }

    public async ValueTask DisposeAsync()
    {
        await ThawAsync();
        for (; _mounts > 0; _mounts--)
            await new Command("umount", "--lazy", Path).TryRunAsync(CancellationToken.None);
        if (_device is not null)
            await new Command("losetup", "--detach", _device).TryRunAsync(CancellationToken.None);
        _folder.Dispose();
    }

    private async Task MountAsync(CancellationToken cancellationToken)
    {
        await new Command("mount", _device!, Path).RunAsync(cancellationToken);
        _mounts++;
    }

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoControl(SafeFileHandle file, ulong request, ref uint flags);
}
