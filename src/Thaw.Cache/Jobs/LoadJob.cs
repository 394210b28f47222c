using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Cache.Verifying;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Storage;

namespace Thaw.Cache.Jobs;

/// <summary>
/// Brings objects onto this node's disks: looks several up at once, asks for their missing chunks in order, behind
/// every reader, and waits until each is complete and checked.
/// </summary>
internal sealed class LoadJob(
    ObjectFinder finder, ChunkStore store, FlightTable flights, VersionVerifier verifier, TimeProvider clock)
{
    /// <param name="job">The job.</param>
    /// <param name="parts">Nodes that share the job's bandwidth.</param>
    public async Task RunAsync(Job job, int parts)
    {
        // Until the scan has seen every version there may seem to be no room.
        await store.Scan.WaitAsync(job.Cancelled).ConfigureAwait(false);
        var pace = new Pace(
            job.Request.BandwidthBytesPerSecond is { } rate ? Math.Max(1, rate / parts) : null, clock);
        var most = (int)Math.Max(2, flights.Buffers.CapacityBytes / Geometry.ChunkBytes);
        using var chunks = new SemaphoreSlim(most, most);
        var options =
            new ParallelOptions { MaxDegreeOfParallelism = Limits.JobLookups, CancellationToken = job.Cancelled };
        await Parallel.ForEachAsync(job.Request.Paths, options, async (path, cancellationToken) =>
        {
            var found = false;
            await Parallel.ForEachAsync(
                finder.FindAsync(path, cancellationToken), options, async (result, token) =>
                {
                    Volatile.Write(ref found, true);
                    if (result.TryGet(out var one, out var failure))
                        await LoadAsync(job, one.Mount, one.Key, chunks, pace, token).ConfigureAwait(false);
                    else
                        job.Failed(failure.Message);
                }).ConfigureAwait(false);
            if (!found)
                job.Failed($"There is no object at {path}.");
        }).ConfigureAwait(false);
    }

    private async Task LoadAsync(
        Job job, MountCatalog mount, string key, SemaphoreSlim chunks, Pace pace, CancellationToken cancellationToken)
    {
        var resolved = await mount.ResolveAsync(key, cancellationToken).ConfigureAwait(false);
        if (!resolved.TryGet(out var version, out var missing))
        {
            job.Failed(missing.Message);
            return;
        }

        job.Found(version);
        var source = new FetchSource(mount, key, version);
        if (await LoadChunksAsync(source, chunks, pace, cancellationToken).ConfigureAwait(false) is { } failure)
            job.Failed($"{mount.Config.Name}/{key}: {failure.Message}");
        else if (await verifier.WaitAsync(source, mount.Config.VerifyOrigin, cancellationToken).ConfigureAwait(false))
            job.Verified(version);
        else
            job.Failed($"{mount.Config.Name}/{key} was loaded but is not whole or does not match the origin's sum; "
                + "load it again.");
    }

    private async Task<Failure?> LoadChunksAsync(
        FetchSource source, SemaphoreSlim chunks, Pace pace, CancellationToken cancellationToken)
    {
        if (source.Version.SizeBytes > 0 && !store.HasDisks)
            return new Failure(FailureKind.DiskFull, "this node has no cache disk; add one under cache.disks");
        if (source.Version.SizeBytes > store.Capacity)
            return new Failure(
                FailureKind.DiskFull, "it is larger than the whole cache; raise cache.disks.capacity");
        // Held to the end, so that two loads never evict each other's half.
        using var held = source.Version.SizeBytes > 0
            ? (await store.LeaseOrCreateAsync(source.Version, cancellationToken).ConfigureAwait(false)).ValueOrDefault
            : null;
        var pending = new List<Task>();
        Failure? failure = null;
        var count = Geometry.ChunkCount(source.Version.SizeBytes);
        try
        {
            for (var chunk = 0; chunk < count && Volatile.Read(ref failure) is null; chunk++)
            {
                if (store.Has(source.Version.Id, chunk))
                    continue;
                await pace.WaitAsync(Geometry.ChunkLength(source.Version.SizeBytes, chunk), cancellationToken)
                    .ConfigureAwait(false);
                await chunks.WaitAsync(cancellationToken).ConfigureAwait(false);
                pending.Add(LoadChunkAsync(chunk));
                pending.RemoveAll(task => task.IsCompletedSuccessfully);
            }
        }
        finally
        {
            await Task.WhenAll(pending).ConfigureAwait(false);
        }

        return failure;

        async Task LoadChunkAsync(int chunk)
        {
            try
            {
                if (flights.Join(source, chunk, FetchPriority.Job, OriginCause.Load) is not { } flight)
                    return;
                try
                {
                    var settled = await flight.Settled.WaitAsync(cancellationToken).ConfigureAwait(false);
                    if (settled.Failure is { } failed)
                        Volatile.Write(ref failure, failed);
                    else if (!settled.Value)
                        Volatile.Write(ref failure, NotKept);
                }
                finally
                {
                    flights.Leave(flight);
                }
            }
            catch (OperationCanceledException)
            {
                Volatile.Write(ref failure, Cancelled);
            }
            finally
            {
                chunks.Release();
            }
        }
    }

    private static readonly Failure NotKept = new(FailureKind.DiskFull,
        "the cache is full of pinned or open versions, or its disk fails; see thaw doctor, free something or raise "
            + "cache.disks.capacity");

    private static readonly Failure Cancelled = new(FailureKind.Stopping, "the job was cancelled");
}
