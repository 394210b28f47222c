using Microsoft.Extensions.Logging;

namespace Thaw.Storage.Names;

internal static partial class NameLogOpening
{
    [LoggerMessage(LogLevel.Warning, "Names of {Mount}: {Path} cannot be read ({Reason}); names are kept in memory "
        + "only until the node is started again.")]
    private static partial void LogUnreadable(ILogger logger, string mount, string path, string reason);

    [LoggerMessage(LogLevel.Error, "Names of {Mount}: {Path} has format {Format}, which is newer than this program; it "
        + "is left untouched and names are kept in memory only: run a newer thaw.")]
    private static partial void LogNewerFormat(ILogger logger, string mount, string path, uint format);

    [LoggerMessage(LogLevel.Warning,
        "Names of {Mount}: {Path} is no names log of this mount; it is now {Aside} and a new log begins.")]
    private static partial void LogSetAside(ILogger logger, string mount, string path, string aside);

    [LoggerMessage(LogLevel.Warning,
        "Names of {Mount}: the last {Bytes} bytes of {Path} were torn and are cut; {Names} names are kept.")]
    private static partial void LogTorn(ILogger logger, string mount, string path, long bytes, int names);

    [LoggerMessage(LogLevel.Error, "Names of {Mount}: {Path} is damaged ({Stretches} stretches, {Bytes} bytes); "
        + "{Names} names are kept, those before the damage are asked of the origin again. Check the disk.")]
    private static partial void LogDamaged(
        ILogger logger, string mount, string path, int stretches, long bytes, int names);
}
