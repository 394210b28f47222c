using System.Text;

namespace Thaw.Testing;

/// <summary>What a test says about the node it starts; the rest has defaults that fit tests.</summary>
public sealed record ThawSettings
{
    /// <summary>Name of the node.</summary>
    public string Name { get; init; } = "node-1";

    /// <summary>Its mounts.</summary>
    public required IReadOnlyList<MountSettings> Mounts { get; init; }

    /// <summary>Thaw's own memory, as in <c>cache.memory</c>.</summary>
    public string Memory { get; init; } = "128MiB";

    /// <summary>Size of the cache disk, as in <c>cache.disks[].capacity</c>.</summary>
    public string Capacity { get; init; } = "8GiB";

    /// <summary>Directories of its cache disks; none: one beside its configuration.</summary>
    public IReadOnlyList<string> Disks { get; init; } = [];

    /// <summary>Longest time from SIGTERM to exit.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether the POSIX tree is mounted; it needs root and <c>/dev/fuse</c>.</summary>
    public bool HasPosix { get; init; }

    /// <summary>How long an open waits for the whole file, as in <c>posix.openWait</c>.</summary>
    public string OpenWait { get; init; } = "5s";

    /// <summary>
    /// A program that starts the node instead of this process, with the node's own command line after these arguments:
    /// it has to become the node (exec), which is signalled by its number.
    /// </summary>
    public IReadOnlyList<string> Through { get; init; } = [];

    /// <summary>The configuration file.</summary>
    public string ToYaml(string cacheFolder, string treeFolder, int s3Port, int controlPort)
    {
        var yaml = new StringBuilder()
            .Append($"node: {{name: {Name}, drain: {Drain.TotalSeconds:0}s}}\n")
            .Append($"cache:\n  disks: [{string.Join(", ", DisksOr(cacheFolder))}]\n  memory: {Memory}\n")
            .Append($"s3: {{listen: 127.0.0.1:{s3Port}}}\n")
            .Append($"control: {{listen: 127.0.0.1:{controlPort}}}\n")
            .Append(HasPosix ? $"posix: {{path: {treeFolder}, openWait: {OpenWait}}}\n" : "")
            .Append("mounts:\n");
        foreach (var mount in Mounts)
            mount.AppendTo(yaml);
        return yaml.ToString();
    }

    private IEnumerable<string> DisksOr(string cacheFolder) =>
        (Disks.Count > 0 ? Disks : [cacheFolder]).Select(path => $"{{path: {path}, capacity: {Capacity}}}");
}

/// <summary>A mount of a node under test.</summary>
/// <param name="Name">Its name: the bucket.</param>
/// <param name="Origin">Origin URL: <c>s3://bucket/prefix</c> or <c>file:///directory</c>.</param>
public sealed record MountSettings(string Name, string Origin)
{
    /// <summary>Endpoint of an S3-compatible service.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>File with the access key; none: anonymous on an endpoint.</summary>
    public string? AccessKeyFile { get; init; }

    /// <summary>File with the secret key.</summary>
    public string? SecretKeyFile { get; init; }

    /// <summary>How long a version is believed, such as <c>60s</c>.</summary>
    public string? Revalidate { get; init; }

    internal void AppendTo(StringBuilder yaml)
    {
        yaml.Append($"  - name: {Name}\n    origin: {Origin}\n");
        if (Endpoint is not null)
            yaml.Append($"    endpoint: {Endpoint.GetLeftPart(UriPartial.Authority)}\n");
        if (AccessKeyFile is not null)
            yaml.Append($"    credentials: {{accessKeyFile: {AccessKeyFile}, secretKeyFile: {SecretKeyFile}}}\n");
        else if (Endpoint is not null)
            yaml.Append("    credentials: {anonymous: true}\n");
        if (Revalidate is not null)
            yaml.Append($"    revalidate: {Revalidate}\n");
    }
}
