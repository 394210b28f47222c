using Microsoft.Extensions.Logging;

namespace Thaw.Storage.Names;

internal sealed partial class NameLogWriter
{
    [LoggerMessage(LogLevel.Error, "Names of {Mount}: {Path} cannot be written ({Reason}); names are kept in memory "
        + "and written once it can be. Check the disk's space and health.")]
    private static partial void LogFailed(ILogger logger, string mount, string path, string reason);

    [LoggerMessage(LogLevel.Information, "Names of {Mount}: {Path} can be written again and holds all names.")]
    private static partial void LogRecovered(ILogger logger, string mount, string path);

    [LoggerMessage(LogLevel.Debug, "Names of {Mount}: {Path} rewritten, {Before} bytes before, {After} after.")]
    private static partial void LogRewritten(ILogger logger, string mount, string path, long before, long after);

    [LoggerMessage(LogLevel.Error, "Names of {Mount}: the disk of {Path} does not answer; what was not written yet is "
        + "lost and costs questions to the origin.")]
    private static partial void LogStuck(ILogger logger, string mount, string path);
}
