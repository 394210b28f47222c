using Microsoft.Extensions.Logging;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Membership;

/// <summary>Log messages of membership.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "The cluster changed: {Snapshot}")]
    public static partial void Changed(ILogger logger, ClusterSnapshot snapshot);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The session with etcd at {Endpoint} ended ({Reason}); the members stay until it answers")]
    public static partial void SessionEnded(ILogger logger, Uri endpoint, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "etcd has lost its keys below {Prefix} or is another one; the members are given time to join again")]
    public static partial void LostKeys(ILogger logger, string prefix);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "Another node joined with the name {Name}; give each node its own node.name")]
    public static partial void NameTaken(ILogger logger, string name);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The state of {Name} could not be told to etcd: {Reason}")]
    public static partial void NotAnnounced(ILogger logger, string name, string reason);
}
