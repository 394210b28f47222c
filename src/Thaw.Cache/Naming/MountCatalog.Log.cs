using Microsoft.Extensions.Logging;

namespace Thaw.Cache.Naming;

/// <summary>Log messages of naming.</summary>
internal static partial class Log
{
    [LoggerMessage(
        Level = LogLevel.Warning, Message = "{Key} of mount {Mount} is served as it was last known: {Reason}")]
    public static partial void ServedStale(ILogger logger, string key, string mount, string reason);
}
