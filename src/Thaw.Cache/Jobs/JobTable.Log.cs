using Microsoft.Extensions.Logging;

namespace Thaw.Cache.Jobs;

/// <summary>Log messages of jobs.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Id} broke: a bug")]
    public static partial void JobBroke(ILogger logger, string id, Exception error);
}
