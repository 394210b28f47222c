using Microsoft.Extensions.Logging;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cache.Peering;

/// <summary>Log messages of peering.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Node {Node} is passed over for chunk {Chunk} of {Key}: {End} ({Reason})")]
    public static partial void PeerPassed(
        ILogger logger, string node, int chunk, string key, PeerEnd end, string? reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The homes are not told any more what this node holds: a bug")]
    public static partial void AnnouncerBroke(ILogger logger, Exception error);
}
