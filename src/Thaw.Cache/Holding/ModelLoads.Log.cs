using Microsoft.Extensions.Logging;

namespace Thaw.Cache.Holding;

/// <summary>Log messages of background loads.</summary>
internal static partial class Log
{
    [LoggerMessage(
        Level = LogLevel.Information, Message = "{Key} of mount {Mount} is not loaded as a whole: {Reason}")]
    public static partial void NotLoaded(ILogger logger, string key, string mount, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Loading {Key} or the shards beside it has stopped")]
    public static partial void Stopped(ILogger logger, string key);
}
