using System.Net;
using Thaw.Core.Cluster;
using Thaw.Core.Configuration;
using Thaw.Core.Units;
using Thaw.Daemon.Configuration;
using Xunit;

namespace Thaw.Tests.Daemon;

public sealed class ConfigReaderTests
{
    private const string Full = """
        node: {name: gpu-017, drain: 5s}
        cache:
          disks:
            - {path: /var/lib/thaw, capacity: 4TiB}
            - path: /mnt/second
              capacity: 80%
          memory: 128MiB
        mounts:
          - name: models
            bucket: acme-models
            origin: s3://acme-models/prod
            endpoint: http://127.0.0.1:9000
            region: eu-west-1
            pathStyle: true
            credentials: {accessKeyFile: /etc/thaw/access, secretKeyFile: /etc/thaw/secret}
            revalidate: 1h30m
            staleIfError: 5m
            verify: origin
          - name: local-models
            origin: file:///srv/models/
            immutable: true
        origins: {bandwidth: 40GiB/s, connections: 64}
        s3: {listen: "127.0.0.1:0", domain: S3.local}
        control: {listen: "[::1]:7401"}
        insecure: false
        """;

    [Fact]
    public void A_full_file_is_bound_value_by_value()
    {
        var config = Valid(Full);
        Assert.Equal("gpu-017", config.Node.Name);
        Assert.Equal(TimeSpan.FromSeconds(5), config.Node.Drain);
        Assert.Equal(
            [new("/var/lib/thaw", new ByteSize(4L << 40), null), new("/mnt/second", null, 80)], config.Cache.Disks);
        Assert.Equal(new ByteSize(128 << 20), config.Cache.Memory);
        Assert.Equal(new ByteSize(40L << 30), config.Origins.Bandwidth);
        Assert.Equal(64, config.Origins.Connections);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 0), config.S3.Listen);
        Assert.Equal("s3.local", config.S3.Domain);
        Assert.Equal(new IPEndPoint(IPAddress.IPv6Loopback, 7401), config.Control.Listen);
        var models = config.Mounts[0];
        Assert.Equal(("models", "acme-models", OriginScheme.S3, "acme-models", "prod/"),
            (models.Name, models.Bucket, models.Scheme, models.OriginBucket, models.OriginPrefix));
        Assert.Equal(
            (new Uri("http://127.0.0.1:9000"), "eu-west-1", true), (models.Endpoint, models.Region, models.PathStyle));
        Assert.Equal(new CredentialsConfig("/etc/thaw/access", "/etc/thaw/secret"), models.Credentials);
        Assert.Equal((TimeSpan.FromMinutes(90), TimeSpan.FromMinutes(5), true),
            (models.Revalidate, models.StaleIfError, models.VerifyOrigin));
        var local = config.Mounts[1];
        Assert.Equal((OriginScheme.File, "", "/srv/models"), (local.Scheme, local.OriginBucket, local.OriginPrefix));
        Assert.Equal(("local-models", null, null), (local.Bucket, local.Revalidate, local.StaleIfError));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("---\n")]
    [InlineData("null")]
    [InlineData("cache:\nmounts:\n")]
    public void An_empty_file_is_the_defaults(string yaml)
    {
        var config = Valid(yaml);
        Assert.Empty(config.Mounts);
        Assert.Empty(config.Cache.Disks);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 7400), config.S3.Listen);
    }

    [Fact]
    public void Anchors_and_merges_share_options()
    {
        var config = Valid("""
            mounts:
              - &base {name: one-one, origin: s3://acme, revalidate: 5m, endpoint: "http://h:1"}
              - {<<: *base, name: two-two, origin: s3://other}
            """);
        Assert.Equal(("two-two", "other", TimeSpan.FromMinutes(5)),
            (config.Mounts[1].Name, config.Mounts[1].OriginBucket, config.Mounts[1].Revalidate));
        Assert.Equal(config.Mounts[0].Endpoint, config.Mounts[1].Endpoint);
    }

    [Fact]
    public void All_errors_are_told_at_once_in_order_of_lines()
    {
        var errors = Errors("""
            node: {drain: soon}
            cache: {memory: 1KiB, dsiks: []}
            mounts:
              - {name: Models, origin: ftp://x}
            s3: {listen: 0.0.0.0:7400}
            """);
        Assert.Equal(
            [(1, "node.drain"), (2, "cache.memory"), (2, "cache.dsiks"), (4, "mounts[0].name"), (4, "mounts[0].origin"),
             (5, "s3.listen")],
            errors.Select(error => (error.Line, error.Key)));
    }

    [Theory]
    [InlineData("node: {drian: 5s}", "test.yaml:1: node.drian: this option is not known; did you mean \"drain\"?")]
    [InlineData("nodes: {}", "test.yaml:1: nodes: this option is not known; did you mean \"node\"?")]
    [InlineData(
        "cache: {zzzzzz: 1}", "test.yaml:1: cache.zzzzzz: this option is not known; known here: disks, memory.")]
    [InlineData("node: {drain: 5}", "\"5\" is not a time such as 10s, 5m or 1h30m.")]
    [InlineData("node: {drain: 2h}", "\"2h\" is out of bounds (0s-1h).")]
    [InlineData("node: {drain: [5s]}", "it holds a list; write a time such as 10s, 5m or 1h30m.")]
    [InlineData("node: {drain: }", "it holds nothing; write a time such as 10s, 5m or 1h30m.")]
    [InlineData("node: 5", "it holds \"5\"; write a group of options, such as node: {...}.")]
    [InlineData("node: {name: a b}", "\"a b\" is no node name; use 1 to 63 letters, digits, '.', '_' and '-'.")]
    [InlineData("node: {name: a}\nnode: {name: b}",
        "test.yaml:2: node: the key stands here a second time, first in line 1; keep one.")]
    [InlineData("cache: {memory: much}", "\"much\" is not a size such as 512MiB.")]
    [InlineData("cache: {memory: 1MiB}", "\"1MiB\" is out of bounds (32MiB-1TiB).")]
    [InlineData("cache: {disks: /x}", "it holds \"/x\"; write a list, each item begun with \"- \".")]
    [InlineData("cache: {disks: [{capacity: 80%}]}", "cache.disks[0].path: it is missing; write an absolute path.")]
    [InlineData("cache: {disks: [{path: x}]}", "\"x\" is not an absolute path.")]
    [InlineData(
        "cache: {disks: [{path: /x, capacity: 101%}]}", "\"101%\" is out of bounds (64MiB or more, or 1%-100%).")]
    [InlineData("cache: {disks: [{path: /x, capacity: 1B}]}", "\"1B\" is out of bounds (64MiB or more, or 1%-100%).")]
    [InlineData(
        "cache: {disks: [{path: /x}, {path: /y/../x/}]}", "/x stands here a second time; name each directory once.")]
    [InlineData(
        "cache: {disks: [{path: /x}, {path: /x/y}]}", "/x/y and /x lie inside one another; use separate directories.")]
    [InlineData("mounts: [{origin: s3://acme}]", "mounts[0].name: it is missing; write a text.")]
    [InlineData("mounts: [{name: models}]", "mounts[0].origin: it is missing; write a URL.")]
    [InlineData("mounts: [x]", "mounts[0]: it holds \"x\"; write a group of options")]
    [InlineData("mounts: [{name: models, origin: gs://acme}]",
        "gs:// is known, but not in this version; use s3:// or file://.")]
    [InlineData("mounts: [{name: models, origin: hf://acme}]", "hf:// is known, but not in this version")]
    [InlineData("mounts: [{name: models, origin: https://acme}]", "https:// is known, but not in this version")]
    [InlineData("mounts: [{name: models, origin: models}]",
        "\"models\" is not a URL; write s3://bucket/prefix or file:///directory.")]
    [InlineData("mounts: [{name: models, origin: s3://}]", "\"\" is no bucket; write s3://bucket/prefix.")]
    [InlineData("mounts: [{name: models, origin: s3://a//b}]", "the prefix holds an empty part")]
    [InlineData("mounts: [{name: models, origin: file://x}]", "a directory needs an absolute path with three slashes")]
    [InlineData("mounts: [{name: models, origin: 's3://a?b'}]", "an origin has no '?', '#' or NUL")]
    [InlineData("mounts: [{name: models, origin: s3://acme, endpoint: ftp://x}]", "\"ftp://x\" is no endpoint")]
    [InlineData(
        "mounts: [{name: models, origin: s3://acme, endpoint: http://x/path}]", "\"http://x/path\" is no endpoint")]
    [InlineData("mounts: [{name: models, origin: file:///x, region: eu}]",
        "mounts[0].region: it has no effect on a file:// origin; remove it.")]
    [InlineData("mounts: [{name: models, origin: s3://a, pathStyle: yes}]", "\"yes\" is not auto or true or false.")]
    [InlineData("mounts: [{name: models, origin: s3://a, credentials: {accessKeyFile: /a}}]",
        "mounts[0].credentials.secretKeyFile: it is missing; accessKeyFile and secretKeyFile belong together.")]
    [InlineData("mounts: [{name: models, origin: s3://a, credentials: {accessKeyFile: /a, secretKeyFile: /b, "
        + "anonymous: true}}]",
        "anonymous requests carry no key")]
    [InlineData("mounts: [{name: models, origin: s3://a, immutable: true, revalidate: 5s}]", "keep one of the two")]
    [InlineData("mounts: [{name: models, origin: s3://a}, {name: models, bucket: other, origin: s3://b}]",
        "\"models\" is already mounts[0].name; each name may stand once.")]
    [InlineData("mounts: [{name: one, bucket: acme, origin: s3://a}, {name: two, bucket: acme, origin: s3://b}]",
        "\"acme\" is already mounts[0].bucket; each bucket may stand once.")]
    [InlineData("mounts: [{name: one, bucket: two, origin: s3://a}, {name: two, origin: s3://b}]",
        "\"two\" is already the bucket of mounts[0].bucket; choose another name or set a bucket.")]
    [InlineData("origins: {bandwidth: 40GiB}", "\"40GiB\" is not bytes a second such as 2GiB/s, or none.")]
    [InlineData("origins: {bandwidth: 1B/s}", "\"1B/s\" is out of bounds (1MiB/s or more, or none).")]
    [InlineData("origins: {connections: many}", "\"many\" is not a whole number.")]
    [InlineData("origins: {connections: 0}", "\"0\" is out of bounds (1-10000).")]
    [InlineData("s3: {listen: 7400}", "\"7400\" is not an IP address and port such as 127.0.0.1:7400.")]
    [InlineData("s3: {listen: 127.0.0.1}", "\"127.0.0.1\" is not an IP address and port")]
    [InlineData("s3: {listen: 127.0.0.1:65536}", "\"127.0.0.1:65536\" is not an IP address and port")]
    [InlineData("s3: {listen: '::1:7400'}", "\"::1:7400\" is not an IP address and port")]
    [InlineData(
        "s3: {listen: 10.0.0.1:7400}", "10.0.0.1:7400 can be reached from other hosts and nothing asks who they are")]
    [InlineData("s3: {domain: a b}", "\"a b\" is no DNS name; write one such as s3.local.")]
    [InlineData(
        "control: {listen: 127.0.0.1:7400}", "s3.listen and control.listen both use port 7400; give each its own.")]
    [InlineData("insecure: maybe", "\"maybe\" is not true or false.")]
    [InlineData("[1, 2]", "the file holds a list; write options")]
    [InlineData("a: {b: [", "this is not YAML")]
    [InlineData("node: *x", "the anchor *x is not known here; define it above.")]
    [InlineData("node: &x {<<: *x}", "the anchor *x is not known here; define it above.")]
    [InlineData("node: {<<: 5}", "a merge needs a group of options, not \"5\".")]
    [InlineData("? [a]\n: b", "a key is a list; keys are plain words.")]
    [InlineData(
        "node: {}\n---\nnode: {}", "test.yaml:2: a second document starts here; keep one document in the file.")]
    public void Each_error_has_its_sentence(string yaml, string expected)
    {
        var error = Assert.Single(Errors(yaml));
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.True(error.Line > 0, error.ToString());
    }

    [Theory]
    [InlineData("ab", "has 2 characters; use 3 to 63")]
    [InlineData("Models", "may hold only lower-case letters, digits, '.' and '-'")]
    [InlineData("-models", "has to begin and end with a letter or digit")]
    [InlineData("a..b", "may not hold two dots in a row")]
    [InlineData("10.0.0.1", "may not look like an IP address")]
    [InlineData("xn--models", "may not begin with \"xn--\"")]
    [InlineData("models-s3alias", "may not end with \"-s3alias\"")]
    public void Mount_names_follow_the_rules_of_buckets(string name, string expected)
    {
        var error = Assert.Single(Errors($"mounts: [{{name: \"{name}\", origin: s3://acme}}]"));
        Assert.Equal($"\"{name}\" {expected}.", error.Sentence);
    }

    [Fact]
    public void Every_planned_key_is_refused_by_name()
    {
        foreach (var planned in OptionTable.Planned)
        {
            var below = planned.Key.Split('.');
            var yaml = below[0] switch
            {
                "mounts[]" => $"mounts: [{{name: models, origin: s3://acme, {below[1]}: x}}]",
                _ when below.Length == 2 => $"{below[0]}: {{{below[1]}: {{a: b}}}}",
                _ => $"{below[0]}: {{listen: x}}",
            };
            var error = Assert.Single(Errors(yaml));
            Assert.Equal(planned.Key, error.Key.Replace("[0]", "[]", StringComparison.Ordinal));
            Assert.EndsWith("not in this version yet; remove it.", error.Sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_static_cluster_is_bound_node_by_node()
    {
        var config = Valid("""
            cluster:
              name: prod
              nodes:
                - a=10.0.0.1:7402,10.1.0.1:7402 zone=z1 weight=4
                - b=host.b:7402
              copies: 2
              secretFile: /etc/thaw/secret
            node: {name: a}
            peer: {listen: [10.0.0.1:7402, 10.1.0.1:7402]}
            """);
        Assert.True(config.Cluster.IsConfigured);
        Assert.Equal(("prod", 2, "/etc/thaw/secret"),
            (config.Cluster.Name, config.Cluster.Copies, config.Cluster.SecretFile));
        Assert.Equal(
            [
                new ClusterMember
                {
                    Name = "a",
                    Addresses = [new NodeAddress("10.0.0.1", 7402), new NodeAddress("10.1.0.1", 7402)],
                    Zone = "z1",
                    Weight = 4,
                },
                new ClusterMember { Name = "b", Addresses = [new NodeAddress("host.b", 7402)] },
            ],
            config.Cluster.Nodes);
        Assert.Equal(2, config.Peer.Listen.Length);
    }

    [Fact]
    public void An_etcd_cluster_is_bound()
    {
        var config = Valid("""
            cluster: {discovery: etcd, etcd: {endpoints: [http://127.0.0.1:2379, https://etcd.b:2379], prefix: /x}}
            node: {name: a, zone: z, advertise: ["10.0.0.1:7402"], weight: 9}
            """);
        Assert.Equal(DiscoveryKind.Etcd, config.Cluster.Discovery);
        Assert.Equal([new("http://127.0.0.1:2379"), new("https://etcd.b:2379")], config.Cluster.Etcd.Endpoints);
        Assert.Equal("/x", config.Cluster.Etcd.Prefix);
        Assert.Equal(("z", 9), (config.Node.Zone, config.Node.Weight));
        Assert.Equal([new NodeAddress("10.0.0.1", 7402)], config.Node.Advertise);
        Assert.False(Valid("").Cluster.IsConfigured);
    }

    [Theory]
    [InlineData("cluster: {nodes: [a=h:1]}\nnode: {name: b}", "cluster.nodes")]
    [InlineData("cluster: {nodes: [a=h:1, a=h:2]}\nnode: {name: a}", "cluster.nodes[1]")]
    [InlineData("cluster: {nodes: [a=h]}", "cluster.nodes[0]")]
    [InlineData("cluster: {nodes: [a=h:1 colour=red]}", "cluster.nodes[0]")]
    [InlineData("cluster: {nodes: [a=h:1 weight=16777217]}", "cluster.nodes[0]")]
    [InlineData("cluster: {nodes: [[a]]}", "cluster.nodes[0]")]
    [InlineData("cluster: {nodes: a=h:1}", "cluster.nodes")]
    [InlineData("cluster: {nodes: [a=h:1]}\nnode: {name: a}\npeer: {listen: [127.0.0.1:0]}", "peer.listen")]
    [InlineData("cluster: {nodes: [a=h:1]}\nnode: {name: a}\npeer: {listen: [10.0.0.1:1]}", "peer.listen")]
    [InlineData("cluster: {name: a b}", "cluster.name")]
    [InlineData("cluster: {discovery: etcd}", "cluster.etcd.endpoints")]
    [InlineData("cluster: {discovery: etcd, etcd: {endpoints: [host:2379]}}", "cluster.etcd.endpoints[0]")]
    [InlineData("cluster: {discovery: etcd, nodes: [a=h:1], etcd: {endpoints: [http://h:1]}}", "cluster.nodes")]
    [InlineData("cluster: {etcd: {endpoints: [http://h:1]}}", "cluster.etcd")]
    [InlineData("node: {zone: z}", "node.zone")]
    [InlineData("node: {weight: 3}", "node.weight")]
    [InlineData("node: {advertise: [h:1]}", "node.advertise")]
    public void Clusters_that_cannot_be_are_refused(string yaml, string key) =>
        Assert.Equal(key, Assert.Single(Errors(yaml)).Key);

    [Fact]
    public void Listeners_beyond_loopback_need_insecure()
    {
        Assert.Equal(7400, Valid("{s3: {listen: 0.0.0.0:7400}, insecure: true}").S3.Listen.Port);
        Assert.Equal(2, Errors("{s3: {listen: 0.0.0.0:1}, control: {listen: '[::]:2'}}").Length);
    }

    [Fact]
    public void Bombs_are_bounded()
    {
        var deep = new string('[', 100_000);
        Assert.Contains("nested deeper than 16", Assert.Single(Errors(deep)).Sentence, StringComparison.Ordinal);
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + string.Concat(Enumerable.Range(1, 12).Select(level =>
            $"a{level}: &a{level} [{string.Join(", ", Enumerable.Repeat($"*a{level - 1}", 10))}]\n"));
        Assert.Contains("more than 50000 values", Assert.Single(Errors(laughs)).Sentence, StringComparison.Ordinal);
        Assert.Contains("larger than 1 MiB", Assert.Single(Errors(new string(' ', (1 << 20) + 1))).Sentence,
            StringComparison.Ordinal);
        var many = string.Concat(Enumerable.Range(0, 1000).Select(index => $"unknown{index}: 1\n"));
        Assert.Equal(100, Errors(many).Length);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_an_error()
    {
        var path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"), "thaw.yaml");
        var reading = await ConfigReader.ReadFileAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(
            $"{path}: there is no such file; name one with --config.", Assert.Single(reading.Errors).ToString());
        reading = await ConfigReader.ReadFileAsync(Path.GetTempPath(), TestContext.Current.CancellationToken);
        Assert.Null(reading.Config);
    }

    [Fact]
    public void The_environment_makes_mounts()
    {
        var config = EnvironmentConfig.Read(new Dictionary<string, string>
        {
            ["THAW_ORIGIN_MY_MODELS"] = "s3://acme/prod",
            ["THAW_ORIGIN_LOCAL"] = "file:///srv",
            ["THAW_NODE"] = "http://127.0.0.1:1",
        }, "/home/acme").Config;
        Assert.NotNull(config);
        Assert.Equal(["local", "my-models"], config.Mounts.Select(mount => mount.Name));
        Assert.Equal(new DiskConfig("/home/acme/.cache/thaw", null, 80, OfFree: true),
            Assert.Single(config.Cache.Disks));
    }

    [Fact]
    public void An_environment_without_mounts_or_with_bad_ones_is_refused()
    {
        var none = EnvironmentConfig.Read(new Dictionary<string, string>(), "/home/acme");
        Assert.Contains(
            "set THAW_ORIGIN_MODELS=s3://bucket/prefix", Assert.Single(none.Errors).Sentence, StringComparison.Ordinal);
        var bad = EnvironmentConfig.Read(
            new Dictionary<string, string> { ["THAW_ORIGIN_A"] = "gs://x", ["THAW_ORIGIN_MODELS"] = "" }, null);
        Assert.Equal(["THAW_ORIGIN_A", "THAW_ORIGIN_A", "THAW_ORIGIN_MODELS", "cache.disks"],
            bad.Errors.Select(error => error.Key).Order(StringComparer.Ordinal));
    }

    internal static ThawConfig Valid(string yaml)
    {
        var reading = ConfigReader.Read(yaml, "test.yaml");
        Assert.Empty(reading.Errors);
        return reading.Config!;
    }

    internal static ConfigError[] Errors(string yaml)
    {
        var reading = ConfigReader.Read(yaml, "test.yaml");
        Assert.Null(reading.Config);
        Assert.NotEmpty(reading.Errors);
        return [.. reading.Errors];
    }
}
