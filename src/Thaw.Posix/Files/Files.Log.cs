using Microsoft.Extensions.Logging;

namespace Thaw.Posix.Files;

/// <summary>Log messages of open files.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Files of the POSIX tree are read through the page cache of the mount from now on, slower than by "
            + "passthrough: {Reason}; see thaw doctor")]
    public static partial void NoPassthrough(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Backing id {Id} could not be closed: {Reason}")]
    public static partial void BackingLost(ILogger logger, int id, string reason);
}
