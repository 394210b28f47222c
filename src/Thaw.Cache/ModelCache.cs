using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Cache.Holding;
using Thaw.Cache.Jobs;
using Thaw.Cache.Memory;
using Thaw.Cache.Naming;
using Thaw.Cache.Peering;
using Thaw.Cache.Verifying;
using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage;
using Thaw.Storage.Eviction;

namespace Thaw.Cache;

/// <summary>
/// The face of the room: one node's cache over its mounts and disks. Owns the mounts' origins and names, the fetches,
/// the jobs and the verifier; the store belongs to whoever made it and outlives this.
/// </summary>
public sealed class ModelCache : IAsyncDisposable
{
    private readonly MountTable _mounts;
    private readonly ChunkBuffers _buffers;
    private readonly VersionVerifier _verifier;
    private readonly FlightTable _flights;
    private readonly JobTable _jobs;
    private readonly ModelLoads _loads;
    private readonly CacheMeter _meter = new();
    private readonly NodeControl _control;
    private readonly HaveAnnouncer? _announcer;

    /// <param name="cluster">The node's place in its cluster.</param>
    /// <param name="memoryBytes">Cap of Thaw's own buffers.</param>
    /// <param name="store">The disks.</param>
    /// <param name="mounts">The mounts, in order.</param>
    /// <param name="loggers">Loggers.</param>
    /// <param name="clock">Clock.</param>
    public ModelCache(
        ClusterLink cluster, long memoryBytes, ChunkStore store, IEnumerable<MountSource> mounts,
        ILoggerFactory loggers, TimeProvider clock)
    {
        var logger = loggers.CreateLogger<ModelCache>();
        _mounts = new MountTable(mounts.Select(mount => new MountCatalog(mount, clock, logger)));
        // An eighth is left for what the faces and checks hold: a block or two for each reader.
        _buffers = new ChunkBuffers(memoryBytes / 8 * 7);
        _verifier = new VersionVerifier(store, loggers.CreateLogger<VersionVerifier>());
        var promised = new PromisedChunks(Limits.PeerGivenChunks);
        PeerNetwork? network = null;
        PeerHome? home = null;
        PeerCalls? calls = null;
        IChunkSource source = new OriginSource();
        if (cluster.Client is { } client)
        {
            network = new PeerNetwork(cluster, client, clock);
            calls = new PeerCalls(network);
            home = new PeerHome(network, calls, _mounts, store);
            source = new PeerSource(network, home, promised, loggers.CreateLogger<PeerSource>());
        }

        _flights = new FlightTable(
            new RepairSource(store, source), store, _buffers, _verifier, _meter,
            loggers.CreateLogger<FlightTable>());
        _jobs = new JobTable(
            cluster.Membership.Self, calls is null ? null : new JobFanOut(calls, clock), new ObjectFinder(_mounts),
            store, _flights, _verifier, clock, loggers.CreateLogger<JobTable>());
        Rules = new KeepRules(_mounts);
        foreach (var mount in _mounts.All)
            mount.Replaced = (old, now) => NoteReplaced(store, old, now);
        _loads = new ModelLoads(store, _flights, _verifier, clock, loggers.CreateLogger<ModelLoads>());
        Files = new HeldFiles(_mounts, store, _flights, _verifier, _meter, _loads);
        Reader = new ModelReader(_mounts, store, _flights, _verifier, _meter);
        _control = new NodeControl(cluster, home, calls, _mounts, store, _flights, _jobs, _meter, clock);
        if (calls is not null)
            calls.Control = _control;
        Meters = [.. _mounts.All.Select(mount => mount.Meter)];
        if (network is null || home is null)
            return;
        Peers = new PeerFace(network, _mounts, store, _flights, home, promised);
        _announcer = new HaveAnnouncer(network, home, _mounts, store, loggers.CreateLogger<HaveAnnouncer>());
        _flights.Kept = _announcer.Kept;
        foreach (var mount in _mounts.All)
            mount.Homes = home;
    }

    /// <summary>What faces ask.</summary>
    public IModelReader Reader { get; }

    /// <summary>What other nodes ask; null: this node is alone.</summary>
    public IPeerService? Peers { get; }

    /// <summary>What the POSIX face asks besides.</summary>
    public IModelFiles Files { get; }

    /// <summary>What the control API asks.</summary>
    public INodeControl Control => _control;

    /// <summary>URL of the S3 endpoint, for clients of the control API; known once it listens.</summary>
    public string? S3Endpoint
    {
        get => _control.S3Endpoint;
        set => _control.S3Endpoint = value;
    }

    /// <summary>The POSIX face, for the node's counters and control; set once it is there.</summary>
    public IPosixControl Posix
    {
        set => _control.Posix = value;
    }

    /// <summary>The mounts' counters.</summary>
    public ImmutableArray<MountMeter> Meters { get; }

    /// <summary>What the store asks before it keeps or evicts.</summary>
    public IKeepRules Rules { get; }

    /// <summary>From now on the node says that it is not ready, so that no one is sent to it any more.</summary>
    public void BeginStop() => _control.IsStopping = true;

    /// <summary>Stops jobs, loads, fetches and checks, in this order, and writes the names.</summary>
    public async ValueTask DisposeAsync()
    {
        await _jobs.DisposeAsync().ConfigureAwait(false);
        await _loads.DisposeAsync().ConfigureAwait(false);
        if (_announcer is not null)
            await _announcer.DisposeAsync().ConfigureAwait(false);
        await _flights.DisposeAsync().ConfigureAwait(false);
        await _verifier.DisposeAsync().ConfigureAwait(false);
        await _mounts.DisposeAsync().ConfigureAwait(false);
        _buffers.Dispose();
        _meter.Dispose();
    }

    private void NoteReplaced(ChunkStore store, ContentId old, ContentId now)
    {
        foreach (var mount in _mounts.All)
            if (mount.Names.KeepOf(old).IsNamed)
                return;
        store.NoteReplaced(old, now);
    }
}
