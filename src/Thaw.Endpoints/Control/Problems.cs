using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.Control;

/// <summary>Errors of the control API: RFC 9457 problem documents from one table of failures.</summary>
internal static class Problems
{
    /// <summary>Media type of a problem document.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>The one table from failures to HTTP statuses.</summary>
    public static int StatusOf(FailureKind kind) => kind switch
    {
        FailureKind.NotFound => StatusCodes.Status404NotFound,
        FailureKind.MountNotFound => StatusCodes.Status404NotFound,

        // 401 and 403 would speak of the caller's rights here; it is the node that the origin refuses.
        FailureKind.AccessDenied => StatusCodes.Status502BadGateway,
        FailureKind.Unauthorized => StatusCodes.Status502BadGateway,
        FailureKind.PreconditionFailed => StatusCodes.Status412PreconditionFailed,
        FailureKind.VersionChanged => StatusCodes.Status409Conflict,
        FailureKind.InvalidRange => StatusCodes.Status416RangeNotSatisfiable,
        FailureKind.InvalidRequest => StatusCodes.Status400BadRequest,
        FailureKind.NotAllowed => StatusCodes.Status405MethodNotAllowed,
        FailureKind.NotImplemented => StatusCodes.Status501NotImplemented,
        FailureKind.Throttled => StatusCodes.Status503ServiceUnavailable,
        FailureKind.OriginUnavailable => StatusCodes.Status503ServiceUnavailable,
        FailureKind.OriginProtocol => StatusCodes.Status502BadGateway,
        FailureKind.Corrupt => StatusCodes.Status500InternalServerError,
        FailureKind.DiskFull => StatusCodes.Status507InsufficientStorage,
        FailureKind.DiskFailed => StatusCodes.Status500InternalServerError,
        FailureKind.Busy => StatusCodes.Status503ServiceUnavailable,
        FailureKind.Stopping => StatusCodes.Status503ServiceUnavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A failure kind without an HTTP status."),
    };

    /// <summary>A failure as a problem document.</summary>
    public static IResult From(Failure failure) => new FailureResult(failure);

    /// <summary>An error that HTTP itself found: no such path, no such method.</summary>
    public static Task WriteStatusAsync(HttpContext http, int status, string detail)
    {
        var kind = status switch
        {
            StatusCodes.Status404NotFound => FailureKind.NotFound,
            StatusCodes.Status405MethodNotAllowed => FailureKind.NotAllowed,
            < 500 => FailureKind.InvalidRequest,
            _ => FailureKind.Busy,
        };
        return WriteAsync(http, status, kind, detail, RetryAdvice.Never);
    }

    private static Task WriteAsync(HttpContext http, int status, FailureKind kind, string detail, RetryAdvice retry)
    {
        var name = CamelCase(kind.ToString());
        return TypedResults.Problem(new ProblemDetails
        {
            Type = "urn:thaw:problem:" + name,
            Title = Sentence(kind),
            Status = status,
            Detail = detail,
            Instance = http.Request.Path,
            Extensions = { ["kind"] = name, ["retry"] = CamelCase(retry.ToString()) },
        }).ExecuteAsync(http);
    }

    private static string CamelCase(string name) => char.ToLowerInvariant(name[0]) + name[1..];

    private static string Sentence(FailureKind kind)
    {
        var words = string.Concat(kind.ToString().Select((c, i) =>
            i > 0 && char.IsAsciiLetterUpper(c) ? $" {char.ToLowerInvariant(c)}" : c.ToString()));
        return words;
    }

    private sealed class FailureResult(Failure failure) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (failure.RetryAfter is { } after)
                httpContext.Response.Headers.RetryAfter = $"{Math.Max(1, (long)Math.Ceiling(after.TotalSeconds))}";
            return WriteAsync(httpContext, StatusOf(failure.Kind), failure.Kind, failure.Message, failure.Retry);
        }
    }
}
