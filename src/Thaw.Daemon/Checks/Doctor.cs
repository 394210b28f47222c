using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Configuration;

namespace Thaw.Daemon.Checks;

/// <summary>
/// Looks at the host, the disks and the origins of a configuration, and changes nothing: the one file that it writes on
/// each cache disk is removed before it answers, also when it is stopped.
/// </summary>
public sealed class Doctor(TimeProvider clock)
{
    private readonly HostFiles _host = new("/");

    /// <summary>
    /// The sentence with which a node does not start on this host, because a limit would break it later; null when it
    /// may.
    /// </summary>
    public static string? FindRefusal() => LimitChecks.FindRefusal(new HostFiles("/"));

    /// <summary>All checks, in the order of a start: host, ports, disks, origins.</summary>
    /// <param name="config">A valid configuration; null: only the host is looked at.</param>
    /// <param name="onCheck">Called with each check as it is done.</param>
    /// <param name="cancellationToken">Ends the checks.</param>
    public async Task<IReadOnlyList<Check>> RunAsync(
        ThawConfig? config, Action<Check> onCheck, CancellationToken cancellationToken)
    {
        var checks = new List<Check>();
        void Add(Check check)
        {
            checks.Add(check);
            onCheck(check);
        }

        foreach (var check in HostChecks.Run(_host))
            Add(check);
        foreach (var check in MemoryChecks.Run(_host, config?.Cache.Memory ?? new CacheConfig().Memory))
            Add(check);
        if (config is null)
            return checks;
        var node = await PortChecks.AskAsync(config.Control.Listen, cancellationToken).ConfigureAwait(false);
        foreach (var check in PortChecks.Run(config, node))
            Add(check);
        var own = node?.Node == config.Node.Name ? node.Cache.Disks : [];
        foreach (var disk in config.Cache.Disks)
            foreach (var check in await DiskChecks.RunAsync(
                disk, own.FirstOrDefault(one => one.Path == disk.Path), clock, cancellationToken).ConfigureAwait(false))
                Add(check);
        using var origins = new OriginChecks(config, NullLoggerFactory.Instance, clock);
        foreach (var mount in config.Mounts)
            foreach (var check in await origins.RunAsync(mount, cancellationToken).ConfigureAwait(false))
                Add(check);
        return checks;
    }
}
