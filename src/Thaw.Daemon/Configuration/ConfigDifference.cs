using System.Collections.Immutable;
using System.Globalization;
using Thaw.Core.Configuration;
using Thaw.Core.Units;

namespace Thaw.Daemon.Configuration;

/// <summary>What a reload changes.</summary>
/// <param name="Live">Keys that take effect at once.</param>
/// <param name="Restart">Keys that take effect after a restart.</param>
public sealed record ConfigDifference(ImmutableArray<string> Live, ImmutableArray<string> Restart)
{
    /// <summary>Compares two configurations; mounts are matched by name and disks by path, not by position.</summary>
    public static ConfigDifference Between(ThawConfig before, ThawConfig after)
    {
        var (old, now) = (Flatten(before), Flatten(after));
        var changed = old.Keys.Union(now.Keys)
            .Where(key => old.GetValueOrDefault(key) != now.GetValueOrDefault(key))
            .Order(StringComparer.Ordinal).ToLookup(ChangeOf);
        return new ConfigDifference([.. changed[OptionChange.Live]], [.. changed[OptionChange.Restart]]);
    }

    private static OptionChange ChangeOf(string key) => OptionTable.Find(Pattern(key))?.Change ?? OptionChange.Restart;

    // mounts[models].verify is mounts[].verify in the table.
    private static string Pattern(string key)
    {
        var open = key.IndexOf('[', StringComparison.Ordinal);
        var close = key.LastIndexOf(']');
        return open < 0 ? key : string.Concat(key.AsSpan(0, open + 1), key.AsSpan(close));
    }

    /// <summary>Each option that is set, by its key; no secret is among them: keys are named by files.</summary>
    public static Dictionary<string, string?> Flatten(ThawConfig config)
    {
        var flat = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["node.name"] = config.Node.Name,
            ["node.drain"] = Duration.Format(config.Node.Drain),
            ["cache.memory"] = config.Cache.Memory.ToString(),
            ["origins.bandwidth"] = config.Origins.Bandwidth?.ToString(),
            ["origins.connections"] = config.Origins.Connections.ToString(CultureInfo.InvariantCulture),
            ["s3.listen"] = config.S3.Listen.ToString(),
            ["s3.domain"] = config.S3.Domain,
            ["control.listen"] = config.Control.Listen.ToString(),
            ["posix.path"] = config.Posix.Path,
            ["posix.openWait"] = Duration.Format(config.Posix.OpenWait),
            ["insecure"] = config.Insecure.ToString(),
        };
        AddCluster(config, flat);
        foreach (var disk in config.Cache.Disks)
        {
            flat[$"cache.disks[{disk.Path}].path"] = disk.Path;
            flat[$"cache.disks[{disk.Path}].capacity"] = disk.Capacity?.Bytes.ToString(CultureInfo.InvariantCulture)
                ?? $"{disk.CapacityPercent}%{(disk.OfFree ? " of free" : "")}";
        }

        foreach (var mount in config.Mounts)
            AddMount(mount, flat);
        return flat;
    }

    private static void AddCluster(ThawConfig config, Dictionary<string, string?> flat)
    {
        flat["cluster.name"] = config.Cluster.Name;
        flat["cluster.discovery"] = config.Cluster.Discovery.ToString();
        flat["cluster.nodes[]"] = string.Join(' ', config.Cluster.Nodes.Select(
            node => $"{node.Name}={string.Join(',', node.Addresses)} {node.Zone} {node.Weight}"));
        flat["cluster.etcd.endpoints[]"] = string.Join(' ', config.Cluster.Etcd.Endpoints);
        flat["cluster.etcd.prefix"] = config.Cluster.Etcd.Prefix;
        flat["cluster.copies"] = config.Cluster.Copies.ToString(CultureInfo.InvariantCulture);
        flat["cluster.secretFile"] = config.Cluster.SecretFile;
        flat["node.zone"] = config.Node.Zone;
        flat["node.advertise[]"] = string.Join(' ', config.Node.Advertise);
        flat["node.weight"] = config.Node.Weight?.ToString(CultureInfo.InvariantCulture);
        flat["peer.listen[]"] = string.Join(' ', config.Peer.Listen);
    }

    private static void AddMount(MountConfig mount, Dictionary<string, string?> flat)
    {
        var path = $"mounts[{mount.Name}]";
        flat[$"{path}.name"] = mount.Name;
        flat[$"{path}.bucket"] = mount.Bucket;
        flat[$"{path}.origin"] = mount.Origin;
        flat[$"{path}.endpoint"] = mount.Endpoint?.ToString();
        flat[$"{path}.region"] = mount.Region;
        flat[$"{path}.pathStyle"] = mount.PathStyle?.ToString();
        flat[$"{path}.credentials.accessKeyFile"] = mount.Credentials.AccessKeyFile;
        flat[$"{path}.credentials.secretKeyFile"] = mount.Credentials.SecretKeyFile;
        flat[$"{path}.credentials.anonymous"] = mount.Credentials.Anonymous.ToString();
        flat[$"{path}.immutable"] = (mount.Revalidate is null).ToString();
        flat[$"{path}.revalidate"] = mount.Revalidate?.ToString();
        flat[$"{path}.staleIfError"] = mount.StaleIfError?.ToString();
        flat[$"{path}.keep"] = mount.Keep.ToString();
        flat[$"{path}.ttl"] = mount.Ttl?.ToString();
        flat[$"{path}.quota"] = mount.Quota?.ToString();
        flat[$"{path}.verify"] = mount.VerifyOrigin.ToString();
    }
}
