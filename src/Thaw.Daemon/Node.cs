using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using Thaw.Cache;
using Thaw.Cache.Naming;
using Thaw.Cache.Peering;
using Thaw.Cluster.Transfer;
using Thaw.Cluster.Transfer.Client;
using Thaw.Cluster.Transfer.Server;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;
using Thaw.Daemon.Configuration;
using Thaw.Endpoints.Control;
using Thaw.Endpoints.S3;
using Thaw.Origins;
using Thaw.Posix;
using Thaw.Storage;
using Thaw.Storage.Names;

namespace Thaw.Daemon;

/// <summary>
/// A running node: the composition root. Starts disks, mounts, then the endpoints; stops in the opposite order, so that
/// requests end before what they use. A crash needs no clean-up: the next start finds what the kernel kept.
/// </summary>
public sealed class Node : IAsyncDisposable
{
    /// <summary>
    /// The share of the drain time that requests may use; the rest is for writing what is not durable yet.
    /// </summary>
    private const double RequestsShare = 0.6;

    private readonly ThawConfig _config;
    private readonly IMembership _membership;
    private readonly TimeProvider _clock;
    private readonly PeerTransferOptions? _transfer;
    private readonly PeerClient? _peers;
    private readonly ClusterLink _link;
    private ImmutableArray<DiskConfig> _disks;
    private readonly ChunkStore _store;
    private readonly OriginFactory _origins;
    private readonly ModelCache _cache;
    private readonly S3Server _s3;
    private readonly PosixHost _posix;
    private readonly ControlServer _control;
    private readonly Lock _gate = new();
    private Task? _stopped;

    private Node(ThawConfig config, IMembership membership, NodeOptions options, ILoggerFactory loggers)
    {
        (_config, _disks, _membership, _clock) = (config, config.Cache.Disks, membership, options.Clock);
        var rules = new DeferredRules();
        _store = ChunkStore.Open(
            config.Cache.Disks.Select(DiskCapacity.Resolve), rules, loggers.CreateLogger<ChunkStore>(), options.Clock);
        _origins = new OriginFactory(config.Origins, loggers, options.Clock);
        _transfer = ClusterMembership.Transfer(config);
        _peers = _transfer is null
            ? null : new PeerClient(_transfer, () => membership.Current, loggers.CreateLogger<PeerClient>());
        _link = new ClusterLink(config.Cluster.Name, membership, config.Cluster.Copies, _peers);
        _cache = new ModelCache(
            _link, config.Cache.Memory.Bytes, _store,
            [.. config.Mounts.Select(mount => Mount(mount, loggers, options.Clock))], loggers, options.Clock);
        rules.Set(_cache.Rules);
        _store.NoteRules();
        _s3 = options.S3Throttle is { } throttle
            ? S3Server.Slowed(
                _cache.Reader, config.S3, loggers, options.Clock, throttle.BytesPerSecond, throttle.Latency)
            : new S3Server(_cache.Reader, config.S3, loggers, options.Clock);
        _posix = new PosixHost(
            _cache.Reader, _cache.Files, config.Posix, loggers.CreateLogger<PosixHost>(), options.Clock);
        _cache.Posix = _posix;
        _control = new ControlServer(_cache.Control, () => _cache.Meters, config.Control, loggers);
    }

    /// <summary>Where the S3 endpoint listens.</summary>
    public IPEndPoint S3 => _s3.EndPoint;

    /// <summary>Where the control endpoint listens.</summary>
    public IPEndPoint Control => _control.EndPoint;

    /// <summary>What faces ask; for programs that embed a node.</summary>
    public ModelCache Cache => _cache;

    /// <summary>Starts a node; returns once both endpoints listen.</summary>
    /// <exception cref="IOException">A port or a cache directory cannot be used; the message says why.</exception>
    public static async Task<Node> StartAsync(
        ThawConfig config, NodeOptions? options, ILoggerFactory loggerFactory, CancellationToken cancellationToken)
    {
        options ??= new NodeOptions();
        var membership = await ClusterMembership.JoinAsync(config, options.Clock, loggerFactory, cancellationToken)
            .ConfigureAwait(false);
        Node node;
        try
        {
            node = new Node(config, membership, options, loggerFactory);
        }
        catch
        {
            await membership.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        try
        {
            if (node is { _transfer: { } transfer, _cache.Peers: { } service })
                node._link.Server = new PeerServer(
                    transfer, () => membership.Current, service, loggerFactory.CreateLogger<PeerServer>());
            await node._s3.StartAsync(cancellationToken).ConfigureAwait(false);
            node._cache.S3Endpoint = $"http://{node._s3.EndPoint}";
            await node._posix.StartAsync(cancellationToken).ConfigureAwait(false);
            await node._control.StartAsync(cancellationToken).ConfigureAwait(false);
            return node;
        }
        catch
        {
            await node.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Applies what can change live; the keys that take effect only after a restart.</summary>
    public Task<ImmutableArray<string>> ReloadAsync(ThawConfig config)
    {
        if (!config.Cache.Disks.SequenceEqual(_disks))
            _store.SetCapacities((_disks = config.Cache.Disks).Select(DiskCapacity.Resolve));
        return Task.FromResult(ConfigDifference.Between(_config, config).Restart);
    }

    /// <summary>
    /// Takes no new requests, lets those under way end, makes everything durable. What is not done within
    /// <paramref name="drain"/> is left: the kernel keeps what was written.
    /// </summary>
    public async Task StopAsync(TimeSpan drain)
    {
        Task stopped;
        lock (_gate)
            stopped = _stopped ??= StopPartsAsync(drain * RequestsShare);
        await Task.WhenAny(stopped, Task.Delay(drain)).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        Task stopped;
        lock (_gate)
        {
            // A stop that ran out of time goes on by itself until the process ends.
            if (_stopped is not null)
                return;
            stopped = _stopped = StopPartsAsync(TimeSpan.Zero);
        }

        await stopped.ConfigureAwait(false);
    }

    private async Task StopPartsAsync(TimeSpan requests)
    {
        _cache.BeginStop();
        await ClusterMembership.BeginRestartAsync(_membership, _clock).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(requests);
        await Task.WhenAll(_s3.StopAsync(limit.Token), _posix.DisposeAsync().AsTask()).ConfigureAwait(false);
        if (_link.Server is { } server)
            await server.DisposeAsync().ConfigureAwait(false);
        await _cache.DisposeAsync().ConfigureAwait(false);
        if (_peers is not null)
            await _peers.DisposeAsync().ConfigureAwait(false);
        await _s3.DisposeAsync().ConfigureAwait(false);
        await _control.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        await _control.DisposeAsync().ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        await _membership.DisposeAsync().ConfigureAwait(false);
        _origins.Dispose();
    }

    private MountSource Mount(MountConfig mount, ILoggerFactory loggers, TimeProvider clock)
    {
        var meter = new MountMeter(mount.Name);
        var names = Names(mount.Name, loggers.CreateLogger<NameTable>(), clock);
        return new MountSource(mount, _origins.Create(mount, meter), names, meter)
        {
            Store = OriginFactory.StoreOf(mount),
        };
    }

    /// <summary>Names lie on the first disk; while that one is away they are in memory.</summary>
    private NameTable Names(string mount, ILogger<NameTable> logger, TimeProvider clock)
    {
        if (_config.Cache.Disks.IsEmpty)
            return NameTable.Open(mount, null, clock, logger);
        var disk = _config.Cache.Disks[0].Path;
        if (!_store.IsOpen(disk))
            return NameTable.WithoutLog(
                $"The disk of {disk} does not answer; names are kept in memory only until the node is started again.");
        var folder = Path.Combine(disk, "names");
        Directory.CreateDirectory(folder);
        return NameTable.Open(mount, Path.Combine(folder, mount + ".log"), clock, logger);
    }
}
