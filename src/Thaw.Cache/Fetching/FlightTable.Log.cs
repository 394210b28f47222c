using Microsoft.Extensions.Logging;

namespace Thaw.Cache.Fetching;

/// <summary>Log messages of fetching.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Chunk {Chunk} of {Key} could not be fetched: a bug")]
    public static partial void FlightBroke(ILogger logger, string key, int chunk, Exception error);
}
