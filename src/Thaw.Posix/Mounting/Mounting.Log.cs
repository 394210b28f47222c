using Microsoft.Extensions.Logging;

namespace Thaw.Posix.Mounting;

/// <summary>Log messages of mounting.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "The POSIX tree is mounted at {Path} ({How})")]
    public static partial void Mounted(ILogger logger, string path, string how);

    [LoggerMessage(Level = LogLevel.Information, Message = "The POSIX tree at {Path} is unmounted")]
    public static partial void Unmounted(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The POSIX tree at {Path} is detached, and those who have files open keep them: {Reason}")]
    public static partial void InUse(ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The POSIX tree at {Path} cannot be unmounted: {Reason}")]
    public static partial void NotUnmounted(ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A dead mount at {Path} was taken away")]
    public static partial void Cleaned(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Cold reads of {Path} will be slow: the kernel's read-ahead stays at 128 KiB ({Reason})")]
    public static partial void NoReadAhead(ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The POSIX tree at {Path} was unmounted by someone else")]
    public static partial void Gone(ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Files of the POSIX tree at {Path} are still open; those that are not read by passthrough get errors "
            + "from now on")]
    public static partial void Left(ILogger logger, string path);
}
