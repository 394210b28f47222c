using System.Collections.Immutable;
using System.Net;
using Thaw.Core.Cluster;
using Thaw.Core.Units;

namespace Thaw.Core.Configuration;

/// <summary>
/// The whole configuration, valid and with defaults filled in. Options that are not built yet have no place here.
/// </summary>
public sealed record ThawConfig
{
    /// <summary>The cluster.</summary>
    public ClusterConfig Cluster { get; init; } = new();

    /// <summary>This node.</summary>
    public required NodeConfig Node { get; init; }

    /// <summary>Disks and memory.</summary>
    public required CacheConfig Cache { get; init; }

    /// <summary>Mounts, in order; names and buckets are unique.</summary>
    public ImmutableArray<MountConfig> Mounts { get; init; } = [];

    /// <summary>Limits towards each origin host and bucket.</summary>
    public OriginsConfig Origins { get; init; } = new();

    /// <summary>S3 endpoint.</summary>
    public S3Config S3 { get; init; } = new();

    /// <summary>Control endpoint.</summary>
    public ControlConfig Control { get; init; } = new();

    /// <summary>POSIX tree.</summary>
    public PosixConfig Posix { get; init; } = new();

    /// <summary>Peer port.</summary>
    public PeerConfig Peer { get; init; } = new();

    /// <summary>Allows listeners beyond loopback without authentication.</summary>
    public bool Insecure { get; init; }
}

/// <summary>Where the members of the cluster come from.</summary>
public enum DiscoveryKind
{
    /// <summary>A list in every node's configuration; an empty one is a node alone.</summary>
    Static,

    /// <summary>Leases in etcd.</summary>
    Etcd,
}

/// <summary>The cluster.</summary>
public sealed record ClusterConfig
{
    /// <summary>Name: nodes of different names do not speak to each other.</summary>
    public string Name { get; init; } = "default";

    /// <summary>Where the members come from.</summary>
    public DiscoveryKind Discovery { get; init; }

    /// <summary>The members, if they are listed; this node is among them.</summary>
    public ImmutableArray<ClusterMember> Nodes { get; init; } = [];

    /// <summary>etcd, if it knows the members.</summary>
    public EtcdConfig Etcd { get; init; } = new();

    /// <summary>Owners of a chunk in each zone.</summary>
    public int Copies { get; init; } = 1;

    /// <summary>File with the secret that members prove to each other; null: none.</summary>
    public string? SecretFile { get; init; }

    /// <summary>Whether there may be other nodes.</summary>
    public bool IsConfigured => Discovery != DiscoveryKind.Static || !Nodes.IsEmpty;
}

/// <summary>An etcd cluster.</summary>
public sealed record EtcdConfig
{
    /// <summary>URLs of its members; one that answers is enough.</summary>
    public ImmutableArray<Uri> Endpoints { get; init; } = [];

    /// <summary>What Thaw's keys begin with; it begins with a slash and does not end with one.</summary>
    public string Prefix { get; init; } = "/thaw";
}

/// <summary>This node.</summary>
public sealed record NodeConfig
{
    /// <summary>Name, unique in the cluster; the host name unless configured.</summary>
    public required string Name { get; init; }

    /// <summary>Zone; empty: the one zone of a cluster without zones.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Addresses at which other nodes reach the peer port; empty: those it listens at.</summary>
    public ImmutableArray<NodeAddress> Advertise { get; init; } = [];

    /// <summary>Share of what it owns; null: <c>auto</c>, the disks' capacity in GiB.</summary>
    public int? Weight { get; init; }

    /// <summary>Most time between SIGTERM and exit.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Disks and memory of the cache.</summary>
public sealed record CacheConfig
{
    /// <summary>Cache disks; none: a node without cache.</summary>
    public ImmutableArray<DiskConfig> Disks { get; init; } = [];

    /// <summary>Thaw's own buffers, not the page cache.</summary>
    public ByteSize Memory { get; init; } = new(512L << 20);
}

/// <summary>One cache disk: a directory, and how much of it may be used.</summary>
/// <param name="Path">Directory, made if missing.</param>
/// <param name="Capacity">Absolute bytes, or null when <paramref name="CapacityPercent"/> says.</param>
/// <param name="CapacityPercent">Percent of the file system's size, 1-100.</param>
/// <param name="OfFree">The percent are of what is free or the cache's own already, not of the size.</param>
public sealed record DiskConfig(string Path, ByteSize? Capacity, int? CapacityPercent, bool OfFree = false);

/// <summary>Schemes of origin URLs.</summary>
public enum OriginScheme
{
    /// <summary>Amazon S3 and compatible services.</summary>
    S3,

    /// <summary>A directory of this host.</summary>
    File,
}

/// <summary>When chunks that a reader fetched stay on its node.</summary>
public enum KeepMode
{
    /// <summary>If there is room, or colder versions can go.</summary>
    Auto,

    /// <summary>If anything that is not pinned or open can go.</summary>
    Always,

    /// <summary>Only where placement puts them; as <see cref="Auto"/> on a node that owns all of them.</summary>
    Never,
}

/// <summary>A name bound to an origin URL and prefix.</summary>
public sealed record MountConfig
{
    /// <summary>Name: S3 bucket naming rules.</summary>
    public required string Name { get; init; }

    /// <summary>The bucket name that S3 clients already use; the name unless configured.</summary>
    public required string Bucket { get; init; }

    /// <summary>Origin URL as written: <c>s3://bucket/prefix</c>, <c>file:///srv/models</c>.</summary>
    public required string Origin { get; init; }

    /// <summary>Scheme of the origin.</summary>
    public required OriginScheme Scheme { get; init; }

    /// <summary>Bucket at the origin; empty for a directory.</summary>
    public required string OriginBucket { get; init; }

    /// <summary>
    /// Key prefix at the origin, empty or ending in a slash; the directory for <see cref="OriginScheme.File"/>.
    /// </summary>
    public required string OriginPrefix { get; init; }

    /// <summary>Endpoint of a compatible service; null: the provider's own.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Region; null: <c>auto</c>.</summary>
    public string? Region { get; init; }

    /// <summary>Path-style addressing; null: <c>auto</c>, which is path style when an endpoint is configured.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>How to sign.</summary>
    public CredentialsConfig Credentials { get; init; } = new();

    /// <summary>A known version is believed this long; null: for ever (<c>immutable: true</c>).</summary>
    public TimeSpan? Revalidate { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>While the origin is down, a known version is served this long; null: <c>unlimited</c>.</summary>
    public TimeSpan? StaleIfError { get; init; }

    /// <summary>When chunks that a reader fetched stay on this node.</summary>
    public KeepMode Keep { get; init; }

    /// <summary>Versions go when nobody has read them for so long; null: never for that.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>Most bytes of this mount's versions on this node; null: no limit of its own.</summary>
    public ByteSize? Quota { get; init; }

    /// <summary>Whether ready waits for MD5 and sha256 too (<c>verify: origin</c>).</summary>
    public bool VerifyOrigin { get; init; }
}

/// <summary>Credentials: from files, none at all, or the provider's default chain when nothing is set.</summary>
public sealed record CredentialsConfig(
    string? AccessKeyFile = null, string? SecretKeyFile = null, bool Anonymous = false);

/// <summary>Limits towards each origin host and bucket.</summary>
public sealed record OriginsConfig
{
    /// <summary>Bytes a second; null: no cap.</summary>
    public ByteSize? Bandwidth { get; init; }

    /// <summary>Connections at once.</summary>
    public int Connections { get; init; } = 256;
}

/// <summary>S3 endpoint.</summary>
public sealed record S3Config
{
    /// <summary>Listener.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 7400);

    /// <summary>Domain of virtual-host style requests; null: path style only.</summary>
    public string? Domain { get; init; }
}

/// <summary>Control endpoint.</summary>
public sealed record ControlConfig
{
    /// <summary>Listener.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 7401);
}

/// <summary>POSIX tree.</summary>
public sealed record PosixConfig
{
    /// <summary>Where the node mounts it when it starts; null: nowhere.</summary>
    public string? Path { get; init; }

    /// <summary>How long an open waits for its version to become whole.</summary>
    public TimeSpan OpenWait { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Peer port.</summary>
public sealed record PeerConfig
{
    /// <summary>Listeners, one for each rail; used only in a cluster.</summary>
    public ImmutableArray<IPEndPoint> Listen { get; init; } = [new(IPAddress.Loopback, 7402)];
}
