using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.Control;

/// <summary>The operations of <c>/api/v1</c>, each a few lines over <see cref="INodeControl"/>.</summary>
internal sealed class ControlRoutes(INodeControl control)
{
    private const string StatsText = "Counters since start and gauges of the node; with scope=cluster, of all nodes.";
    private const string ObjectsText = "Objects at or below a path and what of each is cached, a page at a time.";
    private const string PathText =
        "mount/key, a prefix with a trailing slash, or a glob with * and **; a mount's name alone is all of it.";
    private const string JobText = "Starts a job: loads objects into the cache, or verifies cached ones.";
    private const string MountText = "Mounts the tree of models at an empty directory of the node's host.";
    private const string UnmountText = "Unmounts the tree; files that are open by passthrough go on working.";
    private const string FreeText = "Drops cached bytes; pinned objects and objects in use are left and counted.";

    /// <summary>Adds the operations to the application.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1").WithTags("node");
        api.MapGet("/stats", Stats).WithName("getStats").WithSummary(StatsText).Produces<NodeStats>()
            .ProducesProblem(StatusCodes.Status400BadRequest);
        api.MapGet("/nodes", () => TypedResults.Ok(control.GetNodes())).WithName("getNodes")
            .WithSummary("The members of the cluster, as this node sees them.").Produces<ClusterStatus>();
        api.MapGet("/mounts", () => TypedResults.Ok(control.GetMounts())).WithName("getMounts")
            .WithSummary("The mounts in order of configuration, and what is cached of each.")
            .Produces<IReadOnlyList<MountStatus>>();
        MapProblems(api.MapGet("/objects", Objects).WithName("getObjects").WithSummary(ObjectsText)
            .Produces<ObjectPage>().AddOpenApiOperationTransformer(DescribeLimit));
        api.MapGet("/jobs", () => TypedResults.Ok(control.GetJobs())).WithName("getJobs")
            .WithSummary("All jobs of this run, newest first.").Produces<IReadOnlyList<JobStatus>>();
        MapProblems(api.MapPost("/jobs", StartJob).WithName("startJob").WithSummary(JobText)
            .Accepts<JobRequest>("application/json").Produces<JobStatus>(StatusCodes.Status202Accepted));
        api.MapGet("/jobs/{id}", GetJob).WithName("getJob").WithSummary("One job and its progress.")
            .Produces<JobStatus>().ProducesProblem(StatusCodes.Status404NotFound);
        api.MapDelete("/jobs/{id}", CancelJob).WithName("cancelJob")
            .WithSummary("Cancels a job; bytes that are here stay.")
            .Produces<JobStatus>().ProducesProblem(StatusCodes.Status404NotFound);
        MapProblems(api.MapPost("/free", Free).WithName("free").WithSummary(FreeText)
            .Accepts<PathsRequest>("application/json").Produces<FreeResult>());
        MapProblems(api.MapPost("/pins", Pin).WithName("pin")
            .WithSummary("Pins objects at or below the paths: they are never evicted.")
            .Accepts<PathsRequest>("application/json").Produces<PinResult>());
        MapProblems(api.MapDelete("/pins", Unpin).WithName("unpin")
            .WithSummary("Unpins objects at or below the paths.")
            .Accepts<PathsRequest>("application/json").Produces<PinResult>());
        MapPosix(api);
        MapHealth(routes);
    }

    private void MapPosix(RouteGroupBuilder api)
    {
        MapProblems(api.MapPost("/posix", MountPosix).WithName("mountPosix").WithSummary(MountText)
            .Accepts<PosixRequest>("application/json").Produces<PosixStatus>());
        MapProblems(api.MapDelete("/posix", UnmountPosix).WithName("unmountPosix").WithSummary(UnmountText)
            .Accepts<PosixRequest>("application/json").Produces<PosixStatus>());
    }

    private void MapHealth(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", () => TypedResults.Text("ok\n")).WithName("getHealth").WithTags("health")
            .WithSummary("200 while the process answers.").Produces<string>(contentType: "text/plain");
        routes.MapGet("/readyz", Ready).WithName("getReady").WithTags("health")
            .WithSummary("200 once the node can serve; 503 with the reasons until then.")
            .Produces<ReadyStatus>().Produces<ReadyStatus>(StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>
    /// The limit is bound as text, so that a wrong one is answered with a sentence; to clients it is a number.
    /// </summary>
    private static Task DescribeLimit(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        foreach (var parameter in operation.Parameters ?? [])
            if (parameter is OpenApiParameter { Name: "limit" } limit)
                limit.Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Integer,
                    Format = "int32",
                    Minimum = "1",
                    Maximum = Limits.ListPageKeys.ToString(CultureInfo.InvariantCulture),
                    Default = Limits.ListPageKeys,
                };
        return Task.CompletedTask;
    }

    private static void MapProblems(RouteHandlerBuilder route) => route
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private async Task<IResult> Stats(
        CancellationToken cancellationToken,
        [Description("cluster: sums of all nodes; node, the default: this node alone.")] string? scope = null) =>
        scope switch
        {
            null or "node" => TypedResults.Ok(control.GetStats()),
            "cluster" => TypedResults.Ok(await control.GetClusterStatsAsync(cancellationToken)),
            _ => Bad($"Parameter 'scope' is '{scope}': it is node or cluster."),
        };

    private async Task<IResult> Objects(
        [Description(PathText)] string? path,
        [Description("The continuation of the page before.")] string? continuation,
        [Description("Most objects on the page, 1-1000; 1000 unless given.")] string? limit,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(path))
            return Bad("Parameter 'path' is missing: name a mount, a prefix or an object.");
        var most = Limits.ListPageKeys;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most)
            || most is < 1 or > Limits.ListPageKeys))
            return Bad($"Parameter 'limit' is '{limit}': it is a number from 1 to {Limits.ListPageKeys}.");
        return ToAnswer(await control.GetObjectsAsync(path, continuation, most, cancellationToken));
    }

    private async Task<IResult> StartJob(HttpContext http, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync<JobRequest>(http.Request, ["kind", "paths"], cancellationToken);
        if (!body.TryGet(out var request, out var failure) || (failure = RequestError(request)) is not null)
            return Problems.From(failure);
        var started = await control.StartJobAsync(request, cancellationToken);
        return started.TryGet(out var job, out failure)
            ? TypedResults.Accepted($"/api/v1/jobs/{Uri.EscapeDataString(job.Id)}", job)
            : Problems.From(failure);
    }

    private static Failure? RequestError(JobRequest request) =>
        request.Kind is not ("load" or "verify")
            ? new Failure(FailureKind.InvalidRequest, $"Field 'kind' is '{request.Kind}': it is load or verify.")
            : request.BandwidthBytesPerSecond is <= 0
                ? new Failure(
                    FailureKind.InvalidRequest, "Field 'bandwidthBytesPerSecond' must be more than 0, or left out.")
                : JsonBody.PathsError(request.Paths);

    private IResult GetJob([Description("The job's id.")] string id) =>
        control.GetJob(id) is { } job ? TypedResults.Ok(job) : NoJob(id);

    private IResult CancelJob([Description("The job's id.")] string id) =>
        control.CancelJob(id) is { } job ? TypedResults.Ok(job) : NoJob(id);

    private async Task<IResult> Free(HttpContext http, CancellationToken cancellationToken)
    {
        var paths = await ReadPathsAsync(http.Request, cancellationToken);
        return paths.TryGet(out var request, out var failure)
            ? ToAnswer(await control.FreeAsync(request, cancellationToken))
            : Problems.From(failure);
    }

    private Task<IResult> Pin(HttpContext http, CancellationToken cancellationToken) =>
        SetPinAsync(http, pinned: true, cancellationToken);

    private Task<IResult> Unpin(HttpContext http, CancellationToken cancellationToken) =>
        SetPinAsync(http, pinned: false, cancellationToken);

    private async Task<IResult> SetPinAsync(HttpContext http, bool pinned, CancellationToken cancellationToken)
    {
        var paths = await ReadPathsAsync(http.Request, cancellationToken);
        return paths.TryGet(out var request, out var failure)
            ? ToAnswer(await control.SetPinAsync(request, pinned, cancellationToken))
            : Problems.From(failure);
    }

    private Task<IResult> MountPosix(HttpContext http, CancellationToken cancellationToken) =>
        SetPosixAsync(http, mounted: true, cancellationToken);

    private Task<IResult> UnmountPosix(HttpContext http, CancellationToken cancellationToken) =>
        SetPosixAsync(http, mounted: false, cancellationToken);

    private async Task<IResult> SetPosixAsync(HttpContext http, bool mounted, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync<PosixRequest>(http.Request, ["path"], cancellationToken);
        return body.TryGet(out var request, out var failure)
            ? ToAnswer(await control.SetPosixAsync(request, mounted, cancellationToken))
            : Problems.From(failure);
    }

    private IResult Ready()
    {
        var ready = control.GetReady();
        return TypedResults.Json(ready, ApiJson.Default.ReadyStatus,
            statusCode: ready.Ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async ValueTask<Result<PathsRequest>> ReadPathsAsync(
        HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync<PathsRequest>(request, ["paths"], cancellationToken);
        return body.TryGet(out var paths, out _) && JsonBody.PathsError(paths.Paths) is { } error ? error : body;
    }

    private static IResult ToAnswer<T>(Result<T> result) =>
        result.TryGet(out var value, out var failure) ? TypedResults.Ok(value) : Problems.From(failure);

    private static IResult NoJob(string id) =>
        Problems.From(
            new Failure(FailureKind.NotFound, $"There is no job '{id}' on this node: 'thaw jobs' lists them."));

    private static IResult Bad(string message) => Problems.From(new Failure(FailureKind.InvalidRequest, message));
}
