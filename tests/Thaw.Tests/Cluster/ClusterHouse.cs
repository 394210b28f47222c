using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Cluster;
using Thaw.Core.Configuration;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Core.Units;
using Thaw.Daemon;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cluster;

/// <summary>Whole nodes of one static cluster in this process, over one origin server.</summary>
internal sealed class ClusterHouse : IAsyncDisposable
{
    public const string Bucket = "bucket";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    private readonly TempFolder _folder = new();
    private readonly ClusterMember[] _members;
    private readonly Node?[] _nodes;
    private readonly Func<MountConfig, MountConfig> _mount;

    private ClusterHouse(FaultyOrigin origin, ClusterMember[] members, Func<MountConfig, MountConfig> mount) =>
        (Origin, _members, _nodes, _mount) = (origin, members, new Node?[members.Length], mount);

    public FaultyOrigin Origin { get; }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Starts nodes n0, n1, ...; of those in the list, <paramref name="absent"/> are not started.</summary>
    public static async Task<ClusterHouse> StartAsync(
        int nodes, int absent = 0, Func<MountConfig, MountConfig>? mount = null, string[]? zones = null)
    {
        var ports = FreePorts.Take(nodes);
        var house = new ClusterHouse(
            await FaultyOrigin.StartAsync(),
            [.. ports.Select((port, index) => new ClusterMember
            {
                Name = $"n{index}",
                Addresses = [new NodeAddress("127.0.0.1", port)],
                Zone = zones?[index] ?? "",
            })],
            mount ?? (one => one));
        house.Origin.AddBucket(Bucket);
        for (var index = 0; index < nodes - absent; index++)
            await house.StartNodeAsync(index);
        return house;
    }

    public async Task StartNodeAsync(int index)
    {
        var mount = new MountConfig
        {
            Name = "models",
            Bucket = "models",
            Origin = $"s3://{Bucket}",
            Scheme = OriginScheme.S3,
            OriginBucket = Bucket,
            OriginPrefix = "",
            Endpoint = Origin.Endpoint,
            PathStyle = true,
            Credentials = new CredentialsConfig(Anonymous: true),
        };
        var config = new ThawConfig
        {
            Cluster = new ClusterConfig { Name = "test", Nodes = [.. _members] },
            Node = new NodeConfig { Name = _members[index].Name },
            Cache = new CacheConfig
            {
                Disks = [new DiskConfig(_folder[$"n{index}"], new ByteSize(1L << 30), null)],
                Memory = new ByteSize(128L << 20),
            },
            Mounts = [_mount(mount)],
            S3 = new S3Config { Listen = new IPEndPoint(IPAddress.Loopback, 0) },
            Control = new ControlConfig { Listen = new IPEndPoint(IPAddress.Loopback, 0) },
            Peer = new PeerConfig
            {
                Listen = [new IPEndPoint(IPAddress.Loopback, _members[index].Addresses[0].Port)],
            },
        };
        _nodes[index] = await Node.StartAsync(config, null, NullLoggerFactory.Instance, Stop);
    }

    public async Task StopNodeAsync(int index)
    {
        await _nodes[index]!.DisposeAsync();
        _nodes[index] = null;
    }

    /// <summary>Flips a bit in every block of what a node keeps, as a disk that lies does.</summary>
    public void Damage(int index)
    {
        foreach (var path in Directory.EnumerateFiles(_folder[$"n{index}"], "*.data", SearchOption.AllDirectories))
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            for (long at = 100; at < file.Length; at += Geometry.BlockBytes)
            {
                file.Position = at;
                var one = file.ReadByte();
                file.Position = at;
                file.WriteByte((byte)(one ^ 1));
            }
        }
    }

    public Node NodeAt(int index) => _nodes[index]!;

    public NodeStats Stats(int index) => NodeAt(index).Cache.Control.GetStats();

    public IEnumerable<NodeStats> AllStats => _nodes.OfType<Node>().Select(node => node.Cache.Control.GetStats());

    public FakeContent Put(string key, long size, int seed)
    {
        var content = FakeContent.Of(size, seed);
        Origin.Put(Bucket, key, content);
        return content;
    }

    /// <summary>Reads all of an object on a node, or what comes of it before a failure.</summary>
    public async Task<(byte[] Bytes, Failure? Failure)> ReadAsync(int index, string key)
    {
        var path = new ObjectPath("models", key);
        var cache = NodeAt(index).Cache;
        if (!(await cache.Reader.ResolveAsync(path, Stop)).TryGet(out var version, out var missing))
            return ([], missing);
        await using var reader = cache.Reader.OpenRange(path, version, ByteRange.All(version.SizeBytes), Face.S3);
        var bytes = new byte[version.SizeBytes];
        for (var done = 0; done < bytes.Length;)
        {
            var read = await reader.ReadAsync(
                bytes.AsMemory(done, Math.Min(bytes.Length - done, Geometry.BlockBytes)), Stop);
            if (!read.TryGet(out var count, out var failure))
                return (bytes[..done], failure);
            done += count;
        }

        return (bytes, null);
    }

    public async Task AssertReadsAsync(int index, string key, FakeContent content)
    {
        var (bytes, failure) = await ReadAsync(index, key);
        Assert.Null(failure);
        Assert.True(bytes.AsSpan().SequenceEqual(content.ToArray()), $"{key} has other bytes on n{index}.");
    }

    /// <summary>All nodes that run read at once.</summary>
    public Task AssertAllReadAsync(string key, FakeContent content) => Task.WhenAll(
        Enumerable.Range(0, _nodes.Length).Where(index => _nodes[index] is not null)
            .Select(index => Task.Run(() => AssertReadsAsync(index, key, content))));

    public Task HoldsAsync(string phase, Func<bool> condition) => Eventually.HoldsAsync(
        phase, () => new(condition()), () => string.Join("\n", AllStats), Limit, Stop);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            if (node is not null)
                await node.DisposeAsync();
        await Origin.DisposeAsync();
        _folder.Dispose();
    }
}
