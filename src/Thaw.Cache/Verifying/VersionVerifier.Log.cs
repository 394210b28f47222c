using Microsoft.Extensions.Logging;
using Thaw.Core.Identity;

namespace Thaw.Cache.Verifying;

/// <summary>Log messages of verifying.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Error,
        Message = "{Key} from {Origin} does not match the sum that the origin publishes ({Sum}); its cached bytes are "
            + "dropped")]
    public static partial void SumMismatch(ILogger logger, string key, string origin, OriginSum sum);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Key} could not be verified: a bug")]
    public static partial void CheckBroke(ILogger logger, string key, Exception error);
}
