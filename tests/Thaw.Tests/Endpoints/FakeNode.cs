using System.Collections.Immutable;
using Thaw.Core.Api;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Tests.Endpoints;

/// <summary>A node that answers with fixed values, or with the failure that the test sets.</summary>
internal sealed class FakeNode : INodeControl
{
    private readonly List<JobStatus> _jobs = [];

    public Failure? Failure { get; set; }

    public Exception? Bug { get; set; }

    public ReadyStatus Ready { get; set; } = new(true, []);

    public (string Path, string? Continuation, int Limit)? Asked { get; private set; }

    public List<(ImmutableArray<string> Paths, bool Pinned)> Pins { get; } = [];

    public NodeStats GetStats()
    {
        if (Bug is not null)
            throw Bug;
        var tiers = new TierStats(1, 0, 0, 2);
        var disks = ImmutableArray.Create(new DiskStats("/disk", 5, 6, "healthy"));
        return new NodeStats("n1", "0.1.0", 1.5, new OriginStats(1, 2, 3, 4, new CauseStats(1, 0, 0, 0, 0)),
            new ServedStats(tiers, tiers, tiers), new PosixStats(0, 0, 0), null,
            new CacheStats(5, 6, 7, 8, 9, 10, 11, disks), new PeerStats(12, 13), new InFlightStats(14, 15, 16, 17));
    }

    public ValueTask<NodeStats> GetClusterStatsAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(GetStats() with { Nodes = ["n1"] });

    public ClusterStatus GetNodes() =>
        new("default", "n1", 1, "0123456789abcdef", [new("n1", "", 1, "live", null, ["127.0.0.1:7402"])]);

    public IReadOnlyList<MountStatus> GetMounts() => [new("models", "models", "s3://b/p", null, 1, 2, 3, true)];

    public ValueTask<Result<ObjectPage>> GetObjectsAsync(
        string path, string? continuation, int limit, CancellationToken cancellationToken)
    {
        Asked = (path, continuation, limit);
        return ValueTask.FromResult(Answer(new ObjectPage([], "next", false)));
    }

    public ValueTask<Result<JobStatus>> StartJobAsync(JobRequest request, CancellationToken cancellationToken)
    {
        var job = new JobStatus($"j{_jobs.Count}", request.Kind, "running", request.Paths, request.On, 0, 0, 0, 0, 0,
            DateTimeOffset.UnixEpoch, null, [], []);
        _jobs.Insert(0, job);
        return ValueTask.FromResult(Answer(job));
    }

    public IReadOnlyList<JobStatus> GetJobs() => _jobs;

    public JobStatus? GetJob(string id) => _jobs.Find(job => job.Id == id);

    public JobStatus? CancelJob(string id) => GetJob(id) is { } job ? job with { State = "cancelled" } : null;

    public ValueTask<Result<FreeResult>> FreeAsync(PathsRequest request, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Answer(new FreeResult(request.Paths.Length, 1, 0, 0)));

    public ValueTask<Result<PosixStatus>> SetPosixAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Answer(new PosixStatus(request.Path, mounted, true, 0)));

    public ValueTask<Result<PinResult>> SetPinAsync(
        PathsRequest request, bool pinned, CancellationToken cancellationToken)
    {
        Pins.Add((request.Paths, pinned));
        return ValueTask.FromResult(Answer(new PinResult(1, 2)));
    }

    public ReadyStatus GetReady() => Ready;

    private Result<T> Answer<T>(T value) => Failure is null ? value : Failure;
}
