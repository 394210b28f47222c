using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Thaw.Core.Api;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cache.Peering;

/// <summary>
/// The control API from node to node: asks other nodes, and answers them from this one's. Jobs that come this way run
/// here alone. Any thread.
/// </summary>
internal sealed class PeerCalls(PeerNetwork network)
{
    /// <summary>What this node answers with; set once it is there.</summary>
    public INodeControl? Control { get; set; }

    /// <summary>The other nodes that can be asked, by name.</summary>
    public ImmutableArray<string> Others =>
        [.. network.Now.Placement.Snapshot.Members.Where(IsOther).Select(member => member.Name)];

    /// <summary>Counters of another node.</summary>
    public Task<Result<NodeStats>> GetStatsAsync(string node, CancellationToken cancellationToken) =>
        AskAsync(node, ControlCall.Stats, [], ApiJson.Default.NodeStats, cancellationToken);

    /// <summary>Starts a job on another node.</summary>
    public Task<Result<JobStatus>> StartJobAsync(
        string node, JobRequest request, CancellationToken cancellationToken) => AskAsync(
            node, ControlCall.StartJob, JsonSerializer.SerializeToUtf8Bytes(request, ApiJson.Default.JobRequest),
            ApiJson.Default.JobStatus, cancellationToken);

    /// <summary>A job of another node.</summary>
    public Task<Result<JobStatus>> GetJobAsync(string node, string id, CancellationToken cancellationToken) =>
        AskAsync(node, ControlCall.GetJob, IdOf(id), ApiJson.Default.JobStatus, cancellationToken);

    /// <summary>Cancels a job of another node.</summary>
    public Task<Result<JobStatus>> CancelJobAsync(string node, string id, CancellationToken cancellationToken) =>
        AskAsync(node, ControlCall.CancelJob, IdOf(id), ApiJson.Default.JobStatus, cancellationToken);

    /// <summary>Answers another node.</summary>
    public async ValueTask<Result<PeerAnswer>> AnswerAsync(
        ControlQuestion question, CancellationToken cancellationToken)
    {
        if (Control is not { } control)
            return new Failure(FailureKind.Busy, "This node is starting; ask again.", RetryAdvice.Later);
        try
        {
            switch (question.Call)
            {
                case ControlCall.Stats:
                    return ToAnswer(control.GetStats(), ApiJson.Default.NodeStats);
                case ControlCall.StartJob:
                    var request = JsonSerializer.Deserialize(question.Json.AsSpan(), ApiJson.Default.JobRequest);
                    if (request is null)
                        return Unreadable;
                    var started = await control.StartJobAsync(request with { On = "local" }, cancellationToken)
                        .ConfigureAwait(false);
                    return started.TryGet(out var job, out var failure)
                        ? ToAnswer(job, ApiJson.Default.JobStatus) : failure;
                default:
                    var id = JsonSerializer.Deserialize(question.Json.AsSpan(), ApiJson.Default.String) ?? "";
                    var found = question.Call == ControlCall.GetJob ? control.GetJob(id) : control.CancelJob(id);
                    return found is not null
                        ? ToAnswer(found, ApiJson.Default.JobStatus)
                        : new Failure(FailureKind.NotFound, $"There is no job {id} on {network.Self}.");
            }
        }
        catch (JsonException)
        {
            return Unreadable;
        }
    }

    private bool IsOther(ClusterMember member) => member.Name != network.Self;

    private async Task<Result<T>> AskAsync<T>(
        string node, ControlCall call, byte[] json, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        if (network.Now.Placement.Snapshot.Find(node) is not { } member)
            return new Failure(FailureKind.Busy, $"{node} is no member any more.", RetryAdvice.Elsewhere);
        var asked = await network.Client.AskAsync(member, new ControlQuestion(call, [.. json]), cancellationToken)
            .ConfigureAwait(false);
        if (!asked.TryGet(out var answer, out var failure))
            return failure;
        try
        {
            return answer is ControlAnswer control
                && JsonSerializer.Deserialize(control.Json.AsSpan(), type) is { } value ? value : Unreadable;
        }
        catch (JsonException)
        {
            return Unreadable;
        }
    }

    private static byte[] IdOf(string id) => JsonSerializer.SerializeToUtf8Bytes(id, ApiJson.Default.String);

    private static Result<PeerAnswer> ToAnswer<T>(T value, JsonTypeInfo<T> type) =>
        new ControlAnswer([.. JsonSerializer.SerializeToUtf8Bytes(value, type)]);

    private static readonly Failure Unreadable = new(
        FailureKind.InvalidRequest, "The nodes do not understand each other's JSON; use one version on all of them.");
}
