using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Thaw.Testing.Origins;

/// <summary>Answers the requests of a <see cref="FaultyOrigin"/>.</summary>
internal sealed class ObjectResponder(FaultyOrigin origin)
{
    public async Task AnswerAsync(HttpContext context)
    {
        var request = origin.Begin(context.Request);
        try
        {
            var fault = origin.Faults?.Invoke(request) ?? new Fault();
            await AnswerAsync(context, request, fault);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; the log says how far it came.
            context.Abort();
        }
        finally
        {
            request.Status = request.Status == 0 ? context.Response.StatusCode : request.Status;
            origin.Log.End(request);
        }
    }

    private async Task AnswerAsync(HttpContext context, OriginRequest request, Fault fault)
    {
        var gone = context.RequestAborted;
        if (fault.NoAnswer)
            await Task.Delay(Timeout.InfiniteTimeSpan, gone);
        if (fault.Latency > TimeSpan.Zero)
            await Task.Delay(fault.Latency, gone);
        if (fault.Gate is { } gate)
            await gate.WaitAsync(gone);
        if (fault.Status is { } status)
        {
            if (fault.RetryAfter is { } seconds)
                context.Response.Headers.RetryAfter = seconds;
            await ErrorAsync(context, request, status, fault.Code ?? CodeOf(status));
        }
        else if (!origin.HasBucket(request.Bucket))
            await ErrorAsync(context, request, 404, "NoSuchBucket");
        else if (request.IsList)
            await ListResponder.AnswerAsync(context, origin, request);
        else if (origin.Find(request.Bucket, request.Key) is not { } found)
            await ErrorAsync(context, request, 404, "NoSuchKey");
        else if (request.IfMatch.Length > 0 && request.IfMatch != found.ETag && !fault.IgnoreIfMatch)
            await ErrorAsync(context, request, 412, "PreconditionFailed");
        else
            await ObjectAsync(context, request, fault, found);
    }

    private async Task ObjectAsync(HttpContext context, OriginRequest request, Fault fault, FakeObject found)
    {
        var size = found.Content.SizeBytes;
        var (start, end) = (0L, size);
        var response = context.Response;
        Describe(context, found, fault);
        if (request.Range.Length > 0 && !fault.IgnoreRange)
        {
            if (!TryParse(request.Range, size, out start, out end))
            {
                await ErrorAsync(context, request, 416, "InvalidRange");
                return;
            }

            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = fault.ContentRange ?? $"bytes {start}-{end - 1}/{size}";
        }

        request.Status = response.StatusCode;
        if (!fault.Chunked)
            response.ContentLength = end - start + (request.IsHead ? 0 : fault.SendExtra);
        if (!request.IsHead)
            await new BodySender(origin, context, request, fault, found).SendAsync(start, end);
    }

    private static void Describe(HttpContext context, FakeObject found, Fault fault)
    {
        var headers = context.Response.Headers;
        headers.ETag = fault.ETag ?? found.ETag;
        headers.LastModified = found.Options.LastModified.ToString("R", CultureInfo.InvariantCulture);
        headers.ContentType = found.Options.ContentType;
        headers.AcceptRanges = "bytes";
        foreach (var (name, value) in found.Options.Metadata)
            headers["x-amz-meta-" + name] = value;
        foreach (var (name, value) in found.Options.Headers)
            headers[name] = value;
        if (!string.Equals(
            context.Request.Headers["x-amz-checksum-mode"], "ENABLED", StringComparison.OrdinalIgnoreCase))
            return;
        foreach (var (name, value) in found.SumHeaders)
            headers[name] = value;
    }

    private static async Task ErrorAsync(HttpContext context, OriginRequest request, int status, string code)
    {
        request.Status = context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        if (!request.IsHead)
            await context.Response.WriteAsync(
                $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>as the test "
                    + "says</Message></Error>");
    }

    private static string CodeOf(int status) => status switch
    {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "AccessDenied",
        404 => "NoSuchKey",
        429 => "TooManyRequests",
        503 => "SlowDown",
        _ => "InternalError",
    };

    private static bool TryParse(string header, long size, out long start, out long end)
    {
        (start, end) = (0, 0);
        var parts = header.StartsWith("bytes=", StringComparison.Ordinal) ? header[6..].Split('-') : [];
        if (parts.Length != 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out start))
            return false;
        end = long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? Math.Min(last + 1, size)
            : size;
        return start < end;
    }
}
