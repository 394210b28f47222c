using Thaw.Core.Api;
using Thaw.Core.Failures;

namespace Thaw.Core.Contracts;

/// <summary>What the control API asks of the node. Paths are <c>mount/key</c>, prefixes end in a slash.</summary>
public interface INodeControl
{
    /// <summary>Counters and gauges of this node.</summary>
    NodeStats GetStats();

    /// <summary>Sums over this node and all others that answer; their names are in it.</summary>
    ValueTask<NodeStats> GetClusterStatsAsync(CancellationToken cancellationToken);

    /// <summary>Who is in the cluster.</summary>
    ClusterStatus GetNodes();

    /// <summary>The mounts with what is cached of each.</summary>
    IReadOnlyList<MountStatus> GetMounts();

    /// <summary>
    /// Objects at or below a path, with what of each is cached; one page of at most <paramref name="limit"/>.
    /// </summary>
    ValueTask<Result<ObjectPage>> GetObjectsAsync(
        string path, string? continuation, int limit, CancellationToken cancellationToken);

    /// <summary>Starts a job: load or verify.</summary>
    ValueTask<Result<JobStatus>> StartJobAsync(JobRequest request, CancellationToken cancellationToken);

    /// <summary>All jobs of this run, newest first.</summary>
    IReadOnlyList<JobStatus> GetJobs();

    /// <summary>One job, or null.</summary>
    JobStatus? GetJob(string id);

    /// <summary>Cancels a job; null if there is none of that id. Bytes that are here stay.</summary>
    JobStatus? CancelJob(string id);

    /// <summary>
    /// Drops cached bytes at or below the paths; pinned objects and objects in use are left and counted.
    /// </summary>
    ValueTask<Result<FreeResult>> FreeAsync(PathsRequest request, CancellationToken cancellationToken);

    /// <summary>Pins or unpins objects at or below the paths: pinned ones are never evicted.</summary>
    ValueTask<Result<PinResult>> SetPinAsync(PathsRequest request, bool pinned, CancellationToken cancellationToken);

    /// <summary>Mounts the POSIX tree at a directory of the node's host, or unmounts it.</summary>
    ValueTask<Result<PosixStatus>> SetPosixAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken);

    /// <summary>Whether the node can serve now; the reasons why not, each one sentence.</summary>
    ReadyStatus GetReady();
}
