using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Thaw.Posix.Bindings;
using Thaw.Posix.Loop;

namespace Thaw.Posix.Files;

/// <summary>
/// Backing ids of one connection: the kernel's own references to version files. Without the right to make them, or on a
/// kernel that has none, every file is opened in the cached way; the first refusal says why, and nobody asks again.
/// </summary>
internal sealed unsafe class Backing(Channel channel, ILogger logger)
{
    private volatile bool _isRefused;

    /// <summary>Whether the kernel offers passthrough; set by INIT.</summary>
    public bool IsOffered { get; set; }

    /// <summary>Whether files can be opened by passthrough as far as is known.</summary>
    public bool IsUsable => IsOffered && !_isRefused;

    /// <summary>Ids that are open.</summary>
    public int Open => Volatile.Read(ref _open);

    private int _open;

    /// <summary>A backing id for a file, above 0, or minus the errno.</summary>
    public int TryOpen(SafeFileHandle file)
    {
        var map = new BackingMap { Descriptor = (int)file.DangerousGetHandle() };
        var id = Native.Ioctl(channel.Handle, Native.IoctlBackingOpen, &map);
        if (id > 0)
        {
            Interlocked.Increment(ref _open);
            return id;
        }

        var errno = Native.LastError;
        // EPERM: no CAP_SYS_ADMIN; EOPNOTSUPP, ENOTTY: no such kernel; ELOOP: the cache lies on a stacked file system.
        if (!_isRefused)
            Log.NoPassthrough(logger, Native.Explain(errno));
        _isRefused = true;
        return -errno;
    }

    public void Close(int id)
    {
        Interlocked.Decrement(ref _open);
        if (Native.Ioctl(channel.Handle, Native.IoctlBackingClose, &id) != 0)
            Log.BackingLost(logger, id, Native.Explain(Native.LastError));
    }
}
