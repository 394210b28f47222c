using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Thaw.Core;
using Thaw.Core.Api;

namespace Thaw.Cli;

/// <summary>A node's control API; what can go wrong comes back with its exit code and sentence.</summary>
internal sealed class NodeClient : IDisposable
{
    private readonly HttpClient _http;

    /// <summary>Names a node; nothing is sent yet.</summary>
    public NodeClient(Uri node, string? token)
    {
        Node = node;
        _http = new HttpClient { BaseAddress = new Uri(node, "/api/v1/"), Timeout = Limits.ControlAnswer };
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>The node's control URL.</summary>
    public Uri Node { get; }

    /// <summary>Counters of the node.</summary>
    public Task<Reply<NodeStats>> GetStatsAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "stats", null, ApiJson.Default.NodeStats, cancellationToken);

    /// <summary>Counters of all nodes of the cluster, summed.</summary>
    public Task<Reply<NodeStats>> GetClusterStatsAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "stats?scope=cluster", null, ApiJson.Default.NodeStats, cancellationToken);

    /// <summary>Members of the cluster.</summary>
    public Task<Reply<ClusterStatus>> GetNodesAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "nodes", null, ApiJson.Default.ClusterStatus, cancellationToken);

    /// <summary>Mounts.</summary>
    public Task<Reply<IReadOnlyList<MountStatus>>> GetMountsAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "mounts", null, ApiJson.Default.IReadOnlyListMountStatus, cancellationToken);

    /// <summary>One page of objects at or below a path.</summary>
    public Task<Reply<ObjectPage>> GetObjectsAsync(
        string path, string? continuation, CancellationToken cancellationToken)
    {
        var query = $"objects?path={Uri.EscapeDataString(path)}";
        if (continuation is not null)
            query += $"&continuation={Uri.EscapeDataString(continuation)}";
        return SendAsync(HttpMethod.Get, query, null, ApiJson.Default.ObjectPage, cancellationToken);
    }

    /// <summary>All objects at or below a path.</summary>
    public async Task<Reply<ObjectPage>> GetAllObjectsAsync(string path, CancellationToken cancellationToken)
    {
        var objects = new List<ObjectStatus>();
        var stale = false;
        string? continuation = null;
        do
        {
            var reply = await GetObjectsAsync(path, continuation, cancellationToken);
            if (reply.Value is not { } page)
                return reply;
            objects.AddRange(page.Objects);
            stale |= page.Stale;
            continuation = page.Continuation;
        }
        while (continuation is not null);
        return new ObjectPage([.. objects], null, stale);
    }

    /// <summary>Starts a job.</summary>
    public Task<Reply<JobStatus>> StartJobAsync(JobRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "jobs", Body(request, ApiJson.Default.JobRequest), ApiJson.Default.JobStatus,
            cancellationToken);

    /// <summary>All jobs.</summary>
    public Task<Reply<IReadOnlyList<JobStatus>>> GetJobsAsync(CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, "jobs", null, ApiJson.Default.IReadOnlyListJobStatus, cancellationToken);

    /// <summary>One job.</summary>
    public Task<Reply<JobStatus>> GetJobAsync(string id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, $"jobs/{Uri.EscapeDataString(id)}", null, ApiJson.Default.JobStatus,
            cancellationToken);

    /// <summary>Cancels a job.</summary>
    public Task<Reply<JobStatus>> CancelJobAsync(string id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, $"jobs/{Uri.EscapeDataString(id)}", null, ApiJson.Default.JobStatus,
            cancellationToken);

    /// <summary>Pins or unpins.</summary>
    public Task<Reply<PinResult>> SetPinAsync(PathsRequest request, bool pinned, CancellationToken cancellationToken) =>
        SendAsync(pinned ? HttpMethod.Post : HttpMethod.Delete, "pins", Body(request, ApiJson.Default.PathsRequest),
            ApiJson.Default.PinResult, cancellationToken);

    /// <summary>Drops cached bytes.</summary>
    public Task<Reply<FreeResult>> FreeAsync(PathsRequest request, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "free", Body(request, ApiJson.Default.PathsRequest), ApiJson.Default.FreeResult,
            cancellationToken);

    /// <summary>Mounts the POSIX tree, or unmounts it.</summary>
    public Task<Reply<PosixStatus>> SetPosixAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken) =>
        SendAsync(mounted ? HttpMethod.Post : HttpMethod.Delete, "posix", Body(request, ApiJson.Default.PosixRequest),
            ApiJson.Default.PosixStatus, cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private static StringContent Body<T>(T value, JsonTypeInfo<T> type) =>
        new(JsonSerializer.Serialize(value, type), Encoding.UTF8, "application/json");

    private async Task<Reply<T>> SendAsync<T>(
        HttpMethod method, string path, HttpContent? body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            if (!response.IsSuccessStatusCode)
                return Explain(response.StatusCode, text);
            return JsonSerializer.Deserialize(text, type) is { } value
                ? value : Fail(ExitCode.Failed, "answers with nothing; is this a Thaw node's control URL?");
        }
        catch (HttpRequestException exception)
        {
            return Fail(ExitCode.NotReachable,
                $"does not answer ({exception.InnerException?.Message ?? exception.Message}); "
                + "start it with \"thaw serve\" or name another with --node.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Fail(ExitCode.NotReachable,
                $"has not answered within {Limits.ControlAnswer.TotalSeconds:0} s; try again, or look at its log.");
        }
        catch (JsonException exception)
        {
            return Fail(ExitCode.Failed,
                $"answers what this thaw cannot read ({exception.Message}); use the same version on both sides.");
        }
    }

    private CliFailure Explain(HttpStatusCode status, string text) => status switch
    {
        HttpStatusCode.Unauthorized =>
            Fail(ExitCode.NotAuthorised, "wants a token; give one with --token or THAW_TOKEN."),
        HttpStatusCode.Forbidden =>
            Fail(ExitCode.NotAuthorised, $"refuses: {Detail(text, "this token may not do that")}"),
        HttpStatusCode.NotFound =>
            new CliFailure(ExitCode.NotFound, Detail(text, $"{Node} does not know that; see \"thaw ls\".")),
        HttpStatusCode.BadRequest =>
            new CliFailure(ExitCode.Usage, Detail(text, $"{Node} finds the request wrong; see --help.")),
        _ => new CliFailure(ExitCode.Failed, Detail(text, $"{Node} answers {(int)status}; look at its log.")),
    };

    private CliFailure Fail(int exitCode, string sentence) => new(exitCode, $"the node at {Node} {sentence}");

    private static string Detail(string text, string otherwise)
    {
        try
        {
            var problem = JsonSerializer.Deserialize(text, CliJson.Default.Problem);
            return problem?.Detail ?? problem?.Title ?? otherwise;
        }
        catch (JsonException)
        {
            return otherwise;
        }
    }
}
