using Microsoft.Extensions.Logging;

namespace Thaw.Cli.Verbs;

internal sealed partial class ServeRun
{
    [LoggerMessage(LogLevel.Warning, "There are no mounts; nothing is served until the configuration names one.")]
    private partial void LogNoMounts();

    [LoggerMessage(
        LogLevel.Information, "Stopping; requests have {Drain} to end. A second signal ends the process at once.")]
    private partial void LogDraining(TimeSpan drain);

    [LoggerMessage(LogLevel.Debug, "Asked to stop.")]
    private partial void LogStopping();

    [LoggerMessage(LogLevel.Warning, "Nothing to reload: the node was started without a configuration file.")]
    private partial void LogNoFile();

    [LoggerMessage(LogLevel.Error, "{Error}")]
    private partial void LogBadConfig(string error);

    [LoggerMessage(LogLevel.Error, "{File} has mistakes ({Count}); the old configuration stays.")]
    private partial void LogKept(string file, int count);

    [LoggerMessage(LogLevel.Information, "{File} is reloaded.")]
    private partial void LogReloaded(string file);

    [LoggerMessage(LogLevel.Warning, "{File} is reloaded; these options need a restart and stay as they were: {Keys}.")]
    private partial void LogNeedsRestart(string file, string keys);

    [LoggerMessage(LogLevel.Debug, "The configuration file cannot be read now: {Reason}")]
    private partial void LogUnreadable(string reason);
}
