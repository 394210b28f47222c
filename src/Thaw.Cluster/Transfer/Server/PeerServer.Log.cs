using Microsoft.Extensions.Logging;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>Log messages of the side that answers.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "Node {Node} is connected")]
    public static partial void Connected(ILogger logger, string node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection of {Node} is refused: {Reason}")]
    public static partial void Refused(ILogger logger, string node, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A request of {Node} could not be answered: a bug")]
    public static partial void AnswerBroke(ILogger logger, string node, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "A connection of {Node} is cut: a bug")]
    public static partial void ConnectionBroke(ILogger logger, string node, Exception error);
}
