using System.Collections.Immutable;
using System.Net;
using Thaw.Core.Configuration;
using Thaw.Core.Units;

namespace Thaw.Daemon.Configuration;

/// <summary>Composes the records from checked values and checks the options against each other.</summary>
internal static class ConfigBinder
{
    private const int LongestNodeName = 63;

    /// <summary>The configuration, or all errors.</summary>
    public static ConfigReading Bind(ConfigValues values)
    {
        var mounts = MountBinder.Bind(values);
        var config = new ThawConfig
        {
            Cluster = ClusterBinder.Bind(values),
            Node = BindNode(values),
            Cache = new CacheConfig
            {
                Disks = BindDisks(values),
                Memory = values.Get("cache.memory", new CacheConfig().Memory),
            },
            Mounts = mounts,
            Origins = new OriginsConfig
            {
                Bandwidth = values.Get<ByteSize?>("origins.bandwidth", null),
                Connections = (int)values.Get("origins.connections", (long)new OriginsConfig().Connections),
            },
            S3 = new S3Config
            {
                Listen = values.Get("s3.listen", new S3Config().Listen),
                Domain = BindDomain(values),
            },
            Control = new ControlConfig { Listen = values.Get("control.listen", new ControlConfig().Listen) },
            Peer = ClusterBinder.BindPeer(values),
            Posix = new PosixConfig
            {
                Path = values.Get<string?>("posix.path", null),
                OpenWait = values.Get("posix.openWait", new PosixConfig().OpenWait),
            },
            Insecure = values.Get("insecure", false),
        };
        ClusterBinder.Check(config, values);
        CheckListeners(config, values);
        return values.IsValid ? new ConfigReading(config, []) : new ConfigReading(null, [.. values.Errors]);
    }

    private static NodeConfig BindNode(ConfigValues values)
    {
        var name = values.Get("node.name", Dns.GetHostName());
        if (values.Has("node.name") && !IsName(name))
            values.Report(values.Line("node.name"), "node.name",
                $"\"{OptionText.Shorten(name)}\" is no node name; use 1 to 63 letters, digits, '.', '_' and '-'.");
        return new NodeConfig
        {
            Name = name,
            Zone = ClusterBinder.BindZone(values),
            Advertise = ClusterBinder.BindAdvertise(values),
            Weight = values.Get<long?>("node.weight", null) is { } weight ? (int)weight : null,
            Drain = values.Get("node.drain", TimeSpan.FromSeconds(10)),
        };
    }

    /// <summary>Whether a text may name a node, a zone or a cluster.</summary>
    public static bool IsName(string text) => text.Length is > 0 and <= LongestNodeName && text.All(IsNameLetter);

    private static bool IsNameLetter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-';

    private static string? BindDomain(ConfigValues values)
    {
        var domain = values.Get<string?>("s3.domain", null);
        if (domain is not null && (domain.Length > 253 || Uri.CheckHostName(domain) != UriHostNameType.Dns))
            values.Report(values.Line("s3.domain"), "s3.domain",
                $"\"{OptionText.Shorten(domain)}\" is no DNS name; write one such as s3.local.");
        return domain?.ToLowerInvariant();
    }

    private static ImmutableArray<DiskConfig> BindDisks(ConfigValues values)
    {
        var disks = ImmutableArray.CreateBuilder<DiskConfig>();
        for (var index = 0; index < values.Count("cache.disks"); index++)
        {
            var key = $"cache.disks[{index}].path";
            var written = values.Get(key, "");
            if (written.Length == 0)
                continue;
            var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(written));
            if (disks.FirstOrDefault(disk => Overlap(disk.Path, path)) is { } other)
                values.Report(values.Line(key), key, other.Path == path
                    ? $"{path} stands here a second time; name each directory once."
                    : $"{path} and {other.Path} lie inside one another; use separate directories.");
            var capacity = values.Get($"cache.disks[{index}].capacity", new CapacityValue(null, 80));
            disks.Add(new DiskConfig(path, capacity.Size, capacity.Percent, capacity.OfFree));
        }

        return disks.ToImmutable();
    }

    private static bool Overlap(string left, string right) =>
        left == right || left.StartsWith(right.TrimEnd('/') + "/", StringComparison.Ordinal)
        || right.StartsWith(left.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static void CheckListeners(ThawConfig config, ConfigValues values)
    {
        CheckListener("s3.listen", config.S3.Listen, config.Insecure, values);
        CheckListener("control.listen", config.Control.Listen, config.Insecure, values);
        var (s3, control) = (config.S3.Listen, config.Control.Listen);
        if (s3.Port != 0 && s3.Port == control.Port
            && (s3.Address.Equals(control.Address) || IsAny(s3.Address) || IsAny(control.Address)))
        {
            var key = values.Has("control.listen") ? "control.listen" : "s3.listen";
            values.Report(values.Line(key), key,
                $"s3.listen and control.listen both use port {s3.Port}; give each its own.");
        }
    }

    private static void CheckListener(string key, IPEndPoint listen, bool insecure, ConfigValues values)
    {
        if (!IPAddress.IsLoopback(listen.Address) && !insecure)
            values.Report(values.Line(key), key,
                $"{listen} can be reached from other hosts and nothing asks who they are; "
                + "listen on 127.0.0.1, or write insecure: true if the network is trusted.");
    }

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
