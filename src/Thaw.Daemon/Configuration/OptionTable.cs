using System.Collections.Immutable;
using Thaw.Core.Cluster;

namespace Thaw.Daemon.Configuration;

/// <summary>What can be written for an option.</summary>
public enum OptionKind
{
    /// <summary>Any text that the bounds allow.</summary>
    Text,

    /// <summary>One of a few words.</summary>
    Word,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Switch,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>A number of bytes: <c>512MiB</c>.</summary>
    Size,

    /// <summary>A size, or a percentage of the file system: <c>80%</c>.</summary>
    Capacity,

    /// <summary>A length of time: <c>10s</c>, <c>1h30m</c>.</summary>
    Duration,

    /// <summary>Bytes a second: <c>40GiB/s</c>.</summary>
    Bandwidth,

    /// <summary>An IP address and a port: <c>127.0.0.1:7400</c>.</summary>
    Endpoint,

    /// <summary>An absolute path.</summary>
    Path,

    /// <summary>A URL.</summary>
    Url,
}

/// <summary>When a changed option takes effect.</summary>
public enum OptionChange
{
    /// <summary>On reload.</summary>
    Live,

    /// <summary>After a restart of the node.</summary>
    Restart,
}

/// <summary>One option: the single source of what the reader accepts and of what the reference says.</summary>
/// <param name="Key">Dotted key; <c>[]</c> after the name of a list.</param>
/// <param name="Kind">What can be written.</param>
/// <param name="Default">Default as text; empty when the option is required.</param>
/// <param name="Bounds">What is allowed, for a person.</param>
/// <param name="Reason">What it is for and where the default comes from.</param>
public sealed record OptionRow(string Key, OptionKind Kind, string Default, string Bounds, string Reason)
{
    /// <summary>When a change takes effect.</summary>
    public OptionChange Change { get; init; } = OptionChange.Restart;

    /// <summary>Must be written.</summary>
    public bool Required { get; init; }

    /// <summary>Least allowed: the number itself, bytes, or milliseconds.</summary>
    public long Least { get; init; }

    /// <summary>Most allowed: the number itself, bytes, or milliseconds.</summary>
    public long Most { get; init; } = long.MaxValue;

    /// <summary>Words that may stand in place of a value of the kind.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>The unit of the value.</summary>
    public string Unit => Kind switch
    {
        OptionKind.Size => "bytes (KiB, MiB, GiB, TiB, PiB; kB, MB, GB, TB, PB)",
        OptionKind.Capacity => "bytes, or percent of the file system's size",
        OptionKind.Duration => "time (ms, s, m, h, d)",
        OptionKind.Bandwidth => "bytes a second (MiB/s, GiB/s)",
        _ => "",
    };

    /// <summary>A sentence's end that says what can be written.</summary>
    internal string Wanted => (Kind switch
    {
        OptionKind.Text => "a text",
        OptionKind.Word => "",
        OptionKind.Switch => "true or false",
        OptionKind.Number => "a whole number",
        OptionKind.Size => "a size such as 512MiB",
        OptionKind.Capacity => "a size such as 4TiB or a percentage such as 80%",
        OptionKind.Duration => "a time such as 10s, 5m or 1h30m",
        OptionKind.Bandwidth => "bytes a second such as 2GiB/s",
        OptionKind.Endpoint => "an IP address and port such as 127.0.0.1:7400",
        OptionKind.Path => "an absolute path",
        OptionKind.Url => "a URL",
        _ => throw new InvalidOperationException($"kind {Kind}"),
    }) switch
    {
        "" => string.Join(" or ", Words),
        var text when Words.IsEmpty => text,
        var text => $"{text}, or {string.Join(" or ", Words)}",
    };
}

/// <summary>A key of the documented format that this version refuses.</summary>
/// <param name="Key">Dotted key; everything below it is refused too.</param>
/// <param name="Subject">What it would do, with its verb.</param>
public sealed record PlannedKey(string Key, string Subject);

/// <summary>Every option, in the order of the reference.</summary>
public static class OptionTable
{
    private const long Second = 1000;
    private const long Day = 86_400 * Second;

    /// <summary>The options.</summary>
    public static ImmutableArray<OptionRow> Rows { get; } =
    [
        new("cluster.name", OptionKind.Text, "default", "1-63 letters, digits, '.', '_' and '-'",
            "Nodes speak only to nodes of the same cluster name."),
        new("cluster.discovery", OptionKind.Word, "static", "static or etcd",
            "Where the members come from: a list that is the same on every node, or leases in etcd.")
        {
            Words = ["static", "etcd"],
        },
        new("cluster.nodes[]", OptionKind.Text, "none, a node alone",
            "name=host:port, each name once; then ,host:port for each further rail, zone=... and weight=...",
            "All members of a static cluster, this node among them; the same list on every node."),
        new("cluster.etcd.endpoints[]", OptionKind.Url, "none", "http:// or https://, host and port",
            "Members of the etcd cluster; one that answers is enough."),
        new("cluster.etcd.prefix", OptionKind.Path, "/thaw", "a path without a slash at its end",
            "What Thaw's keys in etcd begin with."),
        new("cluster.copies", OptionKind.Number, "1", "1-16",
            "Owners of each chunk in each zone; readers' nodes hold copies of their own beside them.")
        {
            Least = 1, Most = 16,
        },
        new("cluster.secretFile", OptionKind.Path, "none", "an absolute path, or none",
            "File with the secret that nodes prove to each other; without one whoever reaches the peer port reads "
                + "every model.")
        {
            Words = ["none"],
        },
        new("node.name", OptionKind.Text, "the host name", "1-63 letters, digits, '.', '_' and '-'",
            "Names the node in answers, logs and metrics; it has to be unique among nodes."),
        new("node.zone", OptionKind.Text, "none", "1-63 letters, digits, '.', '_' and '-', or none",
            "Zone of this node; every zone holds its own copies. Not with a static list, which tells the zones.")
        {
            Words = ["none"],
        },
        new("node.advertise[]", OptionKind.Text, "where it listens", "host:port, one for each rail",
            "Addresses at which other nodes reach this one. Not with a static list, which tells the addresses."),
        new("node.weight", OptionKind.Number, "auto", "0-16777216, or auto",
            "Share of the chunks that this node owns; auto is its capacity in GiB. Not with a static list, which tells "
                + "the weights.")
        {
            Most = ClusterMember.WeightMost, Words = ["auto"],
        },
        new("node.drain", OptionKind.Duration, "10s", "0s-1h",
            "Most time between SIGTERM and exit; 10 s lies well under the 30 s that Kubernetes grants.")
        {
            Most = 3600 * Second, Change = OptionChange.Live,
        },
        new("cache.disks[].path", OptionKind.Path, "", "an absolute path, each directory once, none inside another",
            "A directory on a cache disk, made if it is missing; without disks the node keeps nothing.")
        {
            Required = true,
        },
        new("cache.disks[].capacity", OptionKind.Capacity, "80%", "64MiB or more, or 1%-100%",
            "How much of the disk the cache may use; 80 % leaves room for the file system and for neighbours.")
        {
            Least = 64L << 20, Change = OptionChange.Live,
        },
        new("cache.memory", OptionKind.Size, "512MiB", "32MiB-1TiB",
            "Cap of Thaw's own buffers; the page cache is the kernel's. 512 MiB keeps 64 chunks in flight.")
        {
            Least = 32L << 20, Most = 1L << 40,
        },
        new("mounts[].name", OptionKind.Text, "", "Amazon S3 bucket naming rules, each name once",
            "Names the mount: S3 bucket and first part of every path.") { Required = true },
        new("mounts[].bucket", OptionKind.Text, "the mount's name", "Amazon S3 bucket naming rules, each bucket once",
            "The bucket name that S3 clients already use, so that they need no change."),
        new("mounts[].origin", OptionKind.Url, "", "s3://bucket/prefix or file:///directory",
            "Where the objects come from.") { Required = true },
        new("mounts[].endpoint", OptionKind.Url, "the provider's own",
            "http:// or https://, host and port; only with s3://",
            "Endpoint of an S3-compatible service."),
        new("mounts[].region", OptionKind.Text, "auto", "a region's name, or auto",
            "Region that requests are signed for; auto takes the environment's, or us-east-1."),
        new("mounts[].pathStyle", OptionKind.Word, "auto", "auto, true or false",
            "Path-style addressing; auto uses it when an endpoint is configured.")
                { Words = ["auto", "true", "false"] },
        new("mounts[].credentials.accessKeyFile", OptionKind.Path, "the provider's default chain", "an absolute path",
            "File that holds the access key; files can be rotated and never show in a process list."),
        new("mounts[].credentials.secretKeyFile", OptionKind.Path, "the provider's default chain", "an absolute path",
            "File that holds the secret key."),
        new("mounts[].credentials.anonymous", OptionKind.Switch, "false", "true or false",
            "Sends unsigned requests, for public buckets."),
        new("mounts[].revalidate", OptionKind.Duration, "60s", "0s-365d",
            "How long a known version is believed before the origin is asked again; one HEAD a minute and key is "
                + "cheap.")
        {
            Most = 365 * Day,
        },
        new("mounts[].immutable", OptionKind.Switch, "false", "true or false; not together with revalidate",
            "Objects never change: a known version is never asked for again."),
        new("mounts[].staleIfError", OptionKind.Duration, "unlimited", "0s-365d, or unlimited",
            "How long known versions are served while the origin does not answer.")
        {
            Most = 365 * Day, Words = ["unlimited"],
        },
        new("mounts[].keep", OptionKind.Word, "auto", "auto, always or never",
            "What a reader fetched stays on its node: auto if there is room or colder versions can go, always whatever "
                + "must go for it, never only where it is placed.")
        {
            Words = ["auto", "always", "never"],
        },
        new("mounts[].ttl", OptionKind.Duration, "none", "1m-3650d, or none",
            "Versions that nobody has read for so long go, pinned ones excepted; by default only the need for room "
                + "decides.")
        {
            Least = 60 * Second, Most = 3650 * Day, Words = ["none"],
        },
        new("mounts[].quota", OptionKind.Size, "none", "64MiB or more, or none",
            "Most bytes of this mount's versions on each node; its own coldest go first when it is reached.")
        {
            Least = 64L << 20, Words = ["none"],
        },
        new("mounts[].verify", OptionKind.Word, "transport", "transport or origin",
            "origin: ready waits for the origin's MD5 or sha256 too, which costs a core-second per GB.")
        {
            Words = ["transport", "origin"],
        },
        new("origins.bandwidth", OptionKind.Bandwidth, "none", "1MiB/s or more, or none",
            "Most bytes a second from each origin host and bucket.") { Least = 1L << 20, Words = ["none"] },
        new("origins.connections", OptionKind.Number, "256", "1-10000",
            "Most connections to each origin host and bucket; origins slow down single ones to about 100 MB/s.")
        {
            Least = 1, Most = 10_000,
        },
        new("s3.listen", OptionKind.Endpoint, "127.0.0.1:7400", "ip:port, port 0-65535; 0 takes a free one",
            "Listener of the S3 endpoint."),
        new("s3.domain", OptionKind.Text, "none", "a DNS name, or none",
            "Domain of virtual-host style requests; without it path style is served.") { Words = ["none"] },
        new("control.listen", OptionKind.Endpoint, "127.0.0.1:7401", "ip:port, port 0-65535; 0 takes a free one",
            "Listener of the control endpoint: REST, metrics, health."),
        new("peer.listen[]", OptionKind.Endpoint, "127.0.0.1:7402",
            "ip:port, port 1-65535",
            "Listeners of the peer port, one for each rail; used only in a cluster."),
        new("posix.path", OptionKind.Path, "none", "an absolute path of an empty directory, or none",
            "Where the node mounts the tree of models when it starts; thaw mount does it at any time.")
                { Words = ["none"] },
        new("posix.openWait", OptionKind.Duration, "5s", "0s-10m",
            "How long an open waits for its file to be loaded, if it can be by then: whole files are read at disk "
                + "speed.")
        {
            Most = 600 * Second,
        },
        new("insecure", OptionKind.Switch, "false", "true or false",
            "Allows listeners beyond loopback without authentication: whoever reaches them reads every model."),
    ];

    /// <summary>Keys of the documented format that are refused, so that none is silently without effect.</summary>
    public static ImmutableArray<PlannedKey> Planned { get; } =
    [
        new("mounts[].writes", "writing through a mount is"),
        new("mounts[].egressPricePerGiB", "the egress ledger is"),
        new("mounts[].parents", "parent clusters are"),
        new("policies", "policies are"),
        new("s3.keys", "signature checks on the S3 endpoint are"),
        new("control.tokens", "tokens on the control endpoint are"),
        new("hub", "the Hugging Face endpoint is"),
        new("peer.bandwidth", "a cap on traffic between nodes is"),
        new("peer.tls", "encryption between nodes is"),
    ];

    private static readonly Dictionary<string, OptionRow> ByKey = Rows.ToDictionary(row => row.Key);

    private static readonly Dictionary<string, PlannedKey> PlannedByKey = Planned.ToDictionary(row => row.Key);

    /// <summary>The option of a key without list positions (<c>mounts[].name</c>), or null.</summary>
    public static OptionRow? Find(string key) => ByKey.GetValueOrDefault(key);

    /// <summary>The planned key, or null.</summary>
    public static PlannedKey? FindPlanned(string key) => PlannedByKey.GetValueOrDefault(key);

    /// <summary>Whether options lie below the key: <c>mounts[].credentials</c>.</summary>
    public static bool IsGroup(string key) =>
        key.Length == 0 || Rows.Any(row => row.Key.StartsWith(key + ".", StringComparison.Ordinal));

    /// <summary>Whether the key is a list of groups or of values: <c>mounts</c>, <c>peer.listen</c>.</summary>
    public static bool IsList(string key) => IsGroup(key + "[]") || Find(key + "[]") is not null;

    /// <summary>Names that may stand directly below a group, planned ones included.</summary>
    public static IEnumerable<string> NamesBelow(string group)
    {
        var prefix = group.Length == 0 ? "" : group + ".";
        return Rows.Select(row => row.Key).Concat(Planned.Select(row => row.Key))
            .Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Select(key => key[prefix.Length..].Split('.')[0].Replace("[]", "", StringComparison.Ordinal))
            .Distinct();
    }
}
