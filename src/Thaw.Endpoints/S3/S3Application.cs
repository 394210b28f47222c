using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Thaw.Core.Contracts;

namespace Thaw.Endpoints.S3;

/// <summary>
/// Takes each request from the server to its operation. No middleware and no routes: S3 chooses by method, bucket, key
/// and query alone. Stateless; called from many connections at once.
/// </summary>
internal sealed class S3Application(
    IModelReader models, string? domain, S3Throttle? throttle, TimeProvider time, ILogger logger)
    : IHttpApplication<HttpContext>
{
    public const string RequestIdHeader = "x-amz-request-id";
    public const string HostIdHeader = "x-amz-id-2";

    private readonly BucketOperations _buckets = new(models);
    private readonly ObjectOperations _objects = new(models, throttle, time, logger);

    /// <inheritdoc />
    public HttpContext CreateContext(IFeatureCollection contextFeatures)
    {
        // The connection keeps the context of its last request for the next one.
        var kept = contextFeatures as IHostContextContainer<HttpContext>;
        if (kept?.HostContext is not DefaultHttpContext context)
        {
            context = new DefaultHttpContext(contextFeatures);
            if (kept is not null)
                kept.HostContext = context;
            return context;
        }

        context.Initialize(contextFeatures);
        return context;
    }

    /// <inheritdoc />
    public void DisposeContext(HttpContext context, Exception? exception) =>
        ((DefaultHttpContext)context).Uninitialize();

    /// <inheritdoc />
    public async Task ProcessRequestAsync(HttpContext context)
    {
        var requestId = Random.Shared.NextInt64().ToString("X16", CultureInfo.InvariantCulture);
        context.Response.Headers[RequestIdHeader] = requestId;
        context.Response.Headers[HostIdHeader] = requestId;
        try
        {
            if (throttle is not null)
                await throttle.DelayAnswerAsync(time, context.RequestAborted);
            await AnswerAsync(context, requestId);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort(); // nobody is there to take an answer
        }
        catch (Exception error) when (error is not BadHttpRequestException)
        {
            await AnswerBugAsync(context, requestId, error);
        }
    }

    private async ValueTask AnswerAsync(HttpContext context, string requestId)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var target = S3Target.Parse(raw, context.Request.Headers.Host, domain, out var error);
        if (target is null)
            await S3Exchange.WriteErrorAsync(context, error!, requestId, "/");
        else
            await DispatchAsync(new S3Exchange(context, target, requestId));
    }

    private async ValueTask DispatchAsync(S3Exchange exchange)
    {
        var (method, target) = (exchange.Http.Request.Method, exchange.Target);
        var isRead = HttpMethods.IsGet(method) || exchange.IsHead;
        if (target.Bucket.Length == 0)
        {
            if (!HttpMethods.IsGet(method) || target.Key.Length > 0)
                await exchange.FailAsync(S3Error.MethodNotAllowed(method, "SERVICE"));
            else
                await _buckets.ListBucketsAsync(exchange);
        }
        else if (!models.TryFindMount(target.Bucket, out var mount))
        {
            await exchange.FailAsync(S3Error.NoSuchBucket(target.Bucket));
        }
        else if (!isRead)
        {
            await exchange.FailAsync(S3Error.MethodNotAllowed(method, target.Key.Length == 0 ? "BUCKET" : "OBJECT"));
        }
        else if (target.Key.Length == 0)
        {
            await _buckets.ReadAsync(exchange, mount);
        }
        else
        {
            await _objects.ReadAsync(exchange, mount);
        }
    }

    /// <summary>A bug answers 500 without its trace if nothing was sent yet, and else cuts the connection.</summary>
    private async ValueTask AnswerBugAsync(HttpContext context, string requestId, Exception error)
    {
        S3Server.Log.Bug(logger, error, context.Request.Method, requestId);
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.Headers.Clear();
        context.Response.Headers[RequestIdHeader] = requestId;
        var answer = new S3Error("InternalError", StatusCodes.Status500InternalServerError,
            $"The node met an internal error; its log has it under request {requestId}.");
        await S3Exchange.WriteErrorAsync(context, answer, requestId, "/");
    }
}
