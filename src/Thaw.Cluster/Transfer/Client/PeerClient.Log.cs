using Microsoft.Extensions.Logging;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>Log messages of the side that asks.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Node} is not asked for a moment: {Reason}")]
    public static partial void Suspect(ILogger logger, string node, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A connection to {Node} is cut: a bug")]
    public static partial void ConnectionBroke(ILogger logger, string node, Exception error);
}
