using Microsoft.Extensions.Logging;

namespace Thaw.Posix.Loop;

/// <summary>Log messages of the loop.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "A request of the POSIX tree met a bug; it was answered with EIO")]
    public static partial void Broke(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Trace, Message = "A request of the POSIX tree ended before it was answered")]
    public static partial void Ended(ILogger logger);

    [LoggerMessage(Level = LogLevel.Error, Message = "The connection of the POSIX mount {Path} failed: {Reason}")]
    public static partial void Failed(ILogger logger, string path, string reason);
}
