namespace Thaw.Tests.Contract;

/// <summary>
/// What was promised to users before it was built, written down once more and apart from the code: verbs, exit codes,
/// ports, configuration, REST. The tests of this folder hold the real command tree, option table and OpenAPI document
/// against it. What is not built yet stands in a list of its own; whoever builds it takes it out of there.
/// </summary>
internal static class Promised
{
    /// <summary>Verbs, with their arguments and own options as the help writes them.</summary>
    public static readonly string[] Verbs =
    [
        "serve [--config FILE]",
        "load PATH... [--on all|owners|local|N] [--wait] [--bandwidth 2GiB/s]",
        "wait MODEL [--nodes N] [--timeout 10m]",
        "ls [PATH]", "stat PATH", "nodes", "jobs [ID]", "models",
        "pin PATH...", "unpin PATH...", "free PATH...", "verify PATH...",
        "pull PATH DIR",
        "mount DIR", "unmount DIR",
        "drain [NODE]",
        "top", "egress [--since 7d]", "doctor [--bundle FILE]",
        "policy explain PATH", "fleet status", "fleet load", "fleet apply", "fleet diff",
        "config check FILE", "config explain [KEY]",
        "demo [--once] [--model DIR]",
    ];

    /// <summary>Of <see cref="Verbs"/>, those that are not built yet.</summary>
    public static readonly string[] VerbsToCome =
    [
        "wait", "models", "drain", "top", "egress", "policy explain", "fleet status",
        "fleet load", "fleet apply", "fleet diff",
    ];

    /// <summary>Options of every verb.</summary>
    public static readonly string[] CommonOptions = ["--json", "--node", "--token"];

    /// <summary>Exit codes, in their order from 0.</summary>
    public static readonly string[] ExitCodes =
        ["Done", "Failed", "Usage", "NotReachable", "NotAuthorised", "NotFound"];

    /// <summary>Operations of the control endpoint.</summary>
    public static readonly string[] Operations =
    [
        "GET /api/v1/stats", "GET /api/v1/nodes", "GET /api/v1/mounts", "GET /api/v1/objects", "GET /api/v1/models",
        "GET /api/v1/jobs", "POST /api/v1/jobs", "GET /api/v1/jobs/{id}", "DELETE /api/v1/jobs/{id}",
        "GET /api/v1/egress", "GET /api/v1/events", "POST /api/v1/pins", "DELETE /api/v1/pins", "POST /api/v1/free",
        "POST /api/v1/posix", "DELETE /api/v1/posix", "POST /api/v1/drain", "POST /api/v1/config/reload",
        "GET /healthz", "GET /readyz",
    ];

    /// <summary>Of <see cref="Operations"/>, those that are not built yet.</summary>
    public static readonly string[] OperationsToCome =
    [
        "GET /api/v1/models", "GET /api/v1/egress", "GET /api/v1/events",
        "POST /api/v1/drain", "POST /api/v1/config/reload",
    ];

    /// <summary>Parameters of operations.</summary>
    public static readonly (string Operation, string Parameter)[] Parameters =
    [
        ("GET /api/v1/stats", "scope"), ("GET /api/v1/objects", "path"), ("GET /api/v1/objects", "continuation"),
        ("GET /api/v1/jobs/{id}", "id"), ("DELETE /api/v1/jobs/{id}", "id"),
    ];

    /// <summary>What <c>GET stats</c> holds at least.</summary>
    public const string Stats = """
        {"node":"gpu-017","uptimeSeconds":0,"origin":{"bytes":0,"requests":0,"throttled":0,"errors":0,
          "cause":{"reader":0,"load":0,"revalidate":0,"retry":0,"takeover":0}},
         "served":{"s3":{"local":0,"peer":0,"parent":0,"origin":0},"hub":{},"peer":{}},
         "posix":{"passthroughOpens":0,"openedBytes":0,"readBytes":0},
         "hitRatio":0.0,"cache":{"bytes":0,"capacity":0,"chunks":0,"versions":0,"evictedBytes":0,"corruptChunks":0,
          "lostInCrash":0},
         "peers":{"bytesIn":0,"bytesOut":0},"inFlight":{"chunks":0,"readers":0}}
        """;

    /// <summary>The demo's object, at least.</summary>
    public static readonly string[] Demo =
    [
        "ok", "nodes", "modelBytes", "originBytes", "sha256Match", "coldSeconds", "warmSeconds", "directSeconds",
        "hitRatio",
    ];

    /// <summary>Fewer options than this.</summary>
    public const int Options = 60;

    /// <summary>Defaults, wherever the option is built.</summary>
    public static readonly (string Key, string Default)[] Defaults =
    [
        ("s3.listen", "127.0.0.1:7400"), ("control.listen", "127.0.0.1:7401"), ("hub.listen", "127.0.0.1:7403"),
        ("node.drain", "10s"), ("cache.memory", "512MiB"), ("cache.disks[].capacity", "80%"),
        ("mounts[].revalidate", "60s"), ("mounts[].staleIfError", "unlimited"), ("mounts[].region", "auto"),
        ("mounts[].pathStyle", "auto"), ("mounts[].verify", "transport"), ("mounts[].keep", "auto"),
        ("mounts[].ttl", "none"), ("mounts[].writes", "deny"), ("insecure", "false"), ("posix.openWait", "5s"),
    ];

    /// <summary>The other way to name members, and what a single node leaves out.</summary>
    public const string StaticConfiguration = """
        cluster:
          discovery: static
          nodes: [gpu-017=10.0.0.17:7402, gpu-018=10.0.0.18:7402]
        node: {name: gpu-017}
        mounts: [{name: models, origin: file:///srv/models}]
        peer: {listen: [10.0.0.17:7402]}
        insecure: true
        """;

    /// <summary>The documented file: each of its keys is an option or is refused as one to come.</summary>
    public const string Configuration = """
        cluster:
          name: prod-us-central1
          discovery: etcd
          etcd: {endpoints: [http://127.0.0.1:2379], prefix: /thaw}
          copies: 1
          secretFile: /etc/thaw/cluster-secret
        node: {name: gpu-017, zone: us-central1-a, advertise: [10.0.0.17:7402], weight: auto, drain: 10s}
        cache:
          disks: [{path: /var/lib/thaw, capacity: 4TiB}]
          memory: 512MiB
        mounts:
          - name: models
            bucket: acme-models
            origin: s3://acme-models/prod
            endpoint: http://127.0.0.1:9000
            region: auto
            pathStyle: auto
            credentials: {accessKeyFile: /etc/thaw/access, secretKeyFile: /etc/thaw/secret}
            revalidate: 60s
            staleIfError: unlimited
            keep: auto
            ttl: none
            quota: 2TiB
            verify: transport
            writes: deny
            egressPricePerGiB: 0.12
            parents: [{url: https://hub.eu:7400, caFile: /etc/thaw/ca, tokenFile: /etc/thaw/token}]
          - name: public
            origin: s3://public-models
            credentials: {anonymous: true}
            immutable: true
        origins: {bandwidth: 40GiB/s, connections: 256}
        policies:
          - {match: models/llama-*/**, load: onPublish, on: all, pin: true}
        s3: {listen: 127.0.0.1:7400, domain: s3.local, keys: /etc/thaw/s3-keys.yaml}
        hub: {listen: 127.0.0.1:7403}
        control: {listen: 127.0.0.1:7401, tokens: /etc/thaw/tokens.yaml}
        peer: {listen: [0.0.0.0:7402], bandwidth: none}
        posix: {path: /mnt/thaw, openWait: 5s}
        insecure: false
        """;
}
