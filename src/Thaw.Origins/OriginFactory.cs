using Microsoft.Extensions.Logging;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;
using Thaw.Origins.Directory;
using Thaw.Origins.Layers;
using Thaw.Origins.S3;

namespace Thaw.Origins;

/// <summary>
/// Makes the origins of one daemon. Mounts of the same host and bucket share one budget, so that the limits hold
/// however many mounts there are. Dispose it after the origins it made.
/// </summary>
/// <param name="limits">Limits towards each host and bucket.</param>
/// <param name="loggers">Loggers.</param>
/// <param name="time">Clock of every wait.</param>
/// <param name="jitter">Numbers from 0 to below 1 for back-off; null: random ones.</param>
public sealed class OriginFactory(
    OriginsConfig limits, ILoggerFactory loggers, TimeProvider time, Func<double>? jitter = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(OriginScheme Scheme, string Host, string Bucket), OriginBudget> _budgets = [];

    /// <summary>
    /// The origin of a mount: retries around limits around meters around time-outs around the connector. Each attempt
    /// takes a connection of its own, waiting for one is no lack of progress, and a time-out counts as an error.
    /// </summary>
    public MountOrigin Create(MountConfig mount, MountMeter meter)
    {
        var metered = new MeteredOrigin(new ProgressWatchedOrigin(Connect(mount), time), meter);
        var limited = new LimitedOrigin(metered, BudgetOf(mount));
        var retrying = new RetryingOrigin(
            limited, time, jitter ?? Random.Shared.NextDouble, loggers.CreateLogger<RetryingOrigin>());
        return new MountOrigin(retrying, metered);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var budget in _budgets.Values)
                budget.Dispose();
            _budgets.Clear();
        }
    }

    /// <summary>The connector alone.</summary>
    internal IOrigin Connect(MountConfig mount) => mount.Scheme switch
    {
        OriginScheme.S3 => new S3Origin(mount),
        OriginScheme.File => new DirectoryOrigin(mount.OriginPrefix, loggers.CreateLogger<DirectoryOrigin>()),
        _ => throw new ArgumentOutOfRangeException(nameof(mount), mount.Scheme, "No connector for this scheme."),
    };

    /// <summary>
    /// What the store behind a mount is called on every node: scheme, host unless it is the provider's own, bucket.
    /// Null where nodes do not see the same store: a directory of the host.
    /// </summary>
    public static string? StoreOf(MountConfig mount) => mount.Scheme == OriginScheme.File
        ? null : $"s3 {S3Connection.HostOf(mount.Endpoint)} {mount.OriginBucket}";

    /// <summary>
    /// The budget that a mount shares with others of its host and bucket; a directory is its own bucket.
    /// </summary>
    internal OriginBudget BudgetOf(MountConfig mount)
    {
        var place = mount.Scheme == OriginScheme.File
            ? (mount.Scheme, "", mount.OriginPrefix)
            : (mount.Scheme, S3Connection.HostOf(mount.Endpoint), mount.OriginBucket);
        lock (_lock)
        {
            if (!_budgets.TryGetValue(place, out var budget))
                _budgets.Add(place, budget = new OriginBudget(limits, time));
            return budget;
        }
    }
}
