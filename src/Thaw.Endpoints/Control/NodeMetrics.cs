using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Thaw.Core.Api;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;

namespace Thaw.Endpoints.Control;

/// <summary>
/// The node's counters and gauges as observable instruments: they read what the node counts anyway, when asked. The
/// meter's scope is the node, so that several nodes in one process each export their own.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    /// <summary>Name of the meter, here and in the cache.</summary>
    public const string MeterName = "Thaw";

    /// <summary>Histogram of the cache: from asking for a chunk until all of it is here.</summary>
    public const string ChunkFetch = "thaw_chunk_fetch_seconds";

    /// <summary>
    /// Buckets of <see cref="ChunkFetch"/>: 8 MiB take 1 ms from a page cache, 80 ms at 100 MB/s, seconds behind a
    /// throttle.
    /// </summary>
    public static readonly ImmutableArray<double> ChunkFetchSeconds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly OriginCause[] Causes = Enum.GetValues<OriginCause>();
    private static readonly Tier[] AllTiers = Enum.GetValues<Tier>();

    /// <summary>Passthrough reads of the POSIX tree cannot be counted, so it is no face of these counters.</summary>
    private static readonly Face[] Faces = [Face.S3, Face.Hub, Face.Peer];

    private readonly Meter _meter;

    /// <summary>Makes the instruments.</summary>
    public NodeMetrics(INodeControl control, Func<IReadOnlyList<MountMeter>> mounts)
    {
        _meter = new Meter(new MeterOptions(MeterName) { Scope = control });
        AddMounts(mounts);
        AddCache(control);
        AddGauges(control);
    }

    /// <summary>Whether an instrument belongs to this node: to its scope, or to none.</summary>
    public static bool IsOf(Instrument instrument, INodeControl control) =>
        instrument.Meter.Scope is null || ReferenceEquals(instrument.Meter.Scope, control);

    /// <inheritdoc />
    public void Dispose() => _meter.Dispose();

    private void AddMounts(Func<IReadOnlyList<MountMeter>> mounts)
    {
        _meter.CreateObservableCounter("thaw_origin_read_bytes", () =>
            from mount in mounts()
            from cause in Causes
            select Measure(mount.OriginBytes(cause), ("mount", mount.Mount), ("cause", Lower(cause))),
            "By", "Body bytes of object GETs read from origins, retries included, by why they were read.");
        _meter.CreateObservableCounter("thaw_served_bytes", () =>
            from mount in mounts()
            from face in Faces
            from tier in AllTiers
            select Measure(
                mount.Served(face, tier), ("face", Lower(face)), ("tier", Lower(tier)), ("mount", mount.Mount)),
            "By", "Bytes that left through a face, by the tier they came from.");
        AddMountCounter("thaw_origin_requests", "{request}", mounts, mount => mount.Requests,
            "Requests sent to origins: GETs, HEADs and listings, retries included.");
        AddMountCounter("thaw_origin_throttled", "{request}", mounts, mount => mount.Throttled,
            "Answers of origins that asked to slow down.");
        AddMountCounter("thaw_origin_errors", "{request}", mounts, mount => mount.Errors,
            "Requests to origins that failed for another reason than the caller's.");
    }

    private void AddMountCounter(
        string name, string unit, Func<IReadOnlyList<MountMeter>> mounts, Func<MountMeter, long> read, string help) =>
        _meter.CreateObservableCounter(
            name, () => mounts().Select(mount => Measure(read(mount), ("mount", mount.Mount))), unit, help);

    private void AddCache(INodeControl control)
    {
        AddCounter("thaw_evicted_bytes", "By", control, stats => stats.Cache.EvictedBytes,
            "Cached bytes that were evicted.");
        AddCounter("thaw_corrupt_chunks", "{chunk}", control, stats => stats.Cache.CorruptChunks,
            "Cached chunks whose check failed; each was fetched again or reported.");
        AddCounter("thaw_lost_in_crash_chunks", "{chunk}", control, stats => stats.Cache.LostInCrash,
            "Chunks that a crash of the machine took before they were durable.");
        AddCounter("thaw_peer_received_bytes", "By", control, stats => stats.Peers.BytesIn, "Bytes from other nodes.");
        AddCounter("thaw_peer_sent_bytes", "By", control, stats => stats.Peers.BytesOut, "Bytes to other nodes.");
        AddGauge("thaw_cache_bytes", "By", control, stats => stats.Cache.Bytes, "Bytes in the cache.");
        AddGauge("thaw_cache_capacity_bytes", "By", control, stats => stats.Cache.Capacity, "Most bytes in the cache.");
        AddGauge("thaw_cache_chunks", "{chunk}", control, stats => stats.Cache.Chunks, "Chunks in the cache.");
        AddGauge("thaw_cache_versions", "{version}", control, stats => stats.Cache.Versions, "Versions in the cache.");
        _meter.CreateObservableGauge("thaw_disk_bytes",
            () => control.GetStats().Cache.Disks.Select(disk => Measure(disk.Bytes, ("disk", disk.Path))),
            "By", "Cached bytes on each disk.");
        _meter.CreateObservableGauge("thaw_disk_healthy",
            () => control.GetStats().Cache.Disks.Select(
                disk => Measure(disk.State == "healthy" ? 1 : 0, ("disk", disk.Path))),
            "", "1 while a cache disk is healthy, else 0.");
    }

    private void AddGauges(INodeControl control)
    {
        AddGauge("thaw_in_flight_chunks", "{chunk}", control, stats => stats.InFlight.Chunks, "Chunks being fetched.");
        AddGauge("thaw_open_readers", "{reader}", control, stats => stats.InFlight.Readers, "Open readers.");
        AddGauge("thaw_memory_bytes", "By", control, stats => stats.InFlight.MemoryBytes, "Thaw's own buffers in use.");
        AddGauge("thaw_memory_capacity_bytes", "By", control, stats => stats.InFlight.MemoryCapacity,
            "Cap of Thaw's own buffers.");
        _meter.CreateObservableGauge("thaw_uptime_seconds", () => control.GetStats().UptimeSeconds,
            "s", "Time since the node started.");
        _meter.CreateObservableGauge("thaw_ready", () => control.GetReady().Ready ? 1 : 0,
            "", "1 while the node can serve, else 0.");
    }

    private void AddCounter(string name, string unit, INodeControl control, Func<NodeStats, long> read, string help) =>
        _meter.CreateObservableCounter(name, () => read(control.GetStats()), unit, help);

    private void AddGauge(string name, string unit, INodeControl control, Func<NodeStats, long> read, string help) =>
        _meter.CreateObservableGauge(name, () => read(control.GetStats()), unit, help);

    private static Measurement<long> Measure(long value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var tags = new KeyValuePair<string, object?>[labels.Length];
        for (var i = 0; i < labels.Length; i++)
            tags[i] = new(labels[i].Name, labels[i].Value);
        return new Measurement<long>(value, tags);
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
