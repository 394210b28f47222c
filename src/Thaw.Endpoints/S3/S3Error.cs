using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.S3;

/// <summary>An error as S3 clients know it (Amazon S3 API reference, error responses).</summary>
/// <param name="Code">S3 error code; SDKs switch on it.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Message">One sentence for a person.</param>
internal sealed record S3Error(string Code, int Status, string Message)
{
    /// <summary>Extra elements of the XML body.</summary>
    public ImmutableArray<(string Name, string Value)> Details { get; init; } = [];

    /// <summary>Extra headers.</summary>
    public ImmutableArray<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The one table from failures to S3 codes.</summary>
    public static S3Error From(Failure failure)
    {
        var (code, status) = CodeOf(failure.Kind);
        var error = new S3Error(code, status, failure.Message);
        if (failure.Kind is FailureKind.NotAllowed)
            error = error with { Headers = [AllowRead] };
        return failure.RetryAfter is { } after
            ? error with
            {
                Headers = error.Headers.Add(("Retry-After", $"{Math.Max(1, (long)Math.Ceiling(after.TotalSeconds))}"))
            }
            : error;
    }

    /// <summary>
    /// Code and status of a kind. What a client should try again is 500 or 503, which every SDK retries; a version that
    /// changed under a request is such a case, since the retry gets the new one.
    /// </summary>
    public static (string Code, int Status) CodeOf(FailureKind kind) => kind switch
    {
        FailureKind.NotFound => ("NoSuchKey", StatusCodes.Status404NotFound),
        FailureKind.MountNotFound => ("NoSuchBucket", StatusCodes.Status404NotFound),
        FailureKind.AccessDenied => ("AccessDenied", StatusCodes.Status403Forbidden),
        FailureKind.Unauthorized => ("AccessDenied", StatusCodes.Status403Forbidden),
        FailureKind.PreconditionFailed => ("PreconditionFailed", StatusCodes.Status412PreconditionFailed),
        FailureKind.VersionChanged => ("ServiceUnavailable", StatusCodes.Status503ServiceUnavailable),
        FailureKind.InvalidRange => ("InvalidRange", StatusCodes.Status416RangeNotSatisfiable),
        FailureKind.InvalidRequest => ("InvalidRequest", StatusCodes.Status400BadRequest),
        FailureKind.NotAllowed => ("MethodNotAllowed", StatusCodes.Status405MethodNotAllowed),
        FailureKind.NotImplemented => ("NotImplemented", StatusCodes.Status501NotImplemented),
        FailureKind.Throttled => ("SlowDown", StatusCodes.Status503ServiceUnavailable),
        FailureKind.OriginUnavailable => ("ServiceUnavailable", StatusCodes.Status503ServiceUnavailable),
        FailureKind.OriginProtocol => ("InternalError", StatusCodes.Status500InternalServerError),
        FailureKind.Corrupt => ("InternalError", StatusCodes.Status500InternalServerError),
        FailureKind.DiskFull => ("ServiceUnavailable", StatusCodes.Status503ServiceUnavailable),
        FailureKind.DiskFailed => ("InternalError", StatusCodes.Status500InternalServerError),
        FailureKind.Busy => ("SlowDown", StatusCodes.Status503ServiceUnavailable),
        FailureKind.Stopping => ("ServiceUnavailable", StatusCodes.Status503ServiceUnavailable),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A failure kind without an S3 code."),
    };

    /// <summary>A target that does not decode.</summary>
    public static S3Error InvalidUri(string message) => new("InvalidURI", StatusCodes.Status400BadRequest, message);

    /// <summary>A key over the limit.</summary>
    public static S3Error KeyTooLong() =>
        new("KeyTooLongError", StatusCodes.Status400BadRequest, $"A key has at most {Limits.KeyBytes} bytes of UTF-8.");

    /// <summary>A parameter or header that cannot be.</summary>
    public static S3Error InvalidArgument(string name, string value, string message) =>
        new("InvalidArgument", StatusCodes.Status400BadRequest, message)
        {
            Details = [("ArgumentName", name), ("ArgumentValue", value)],
        };

    /// <summary>No such bucket.</summary>
    public static S3Error NoSuchBucket(string bucket) =>
        new("NoSuchBucket", StatusCodes.Status404NotFound, $"There is no mount for bucket '{bucket}' on this node.")
        {
            Details = [("BucketName", bucket)],
        };

    /// <summary>A range outside of the object (RFC 9110, 15.5.17).</summary>
    public static S3Error InvalidRange(string requested, long sizeBytes) =>
        new("InvalidRange", StatusCodes.Status416RangeNotSatisfiable, "The requested range is not satisfiable.")
        {
            Details = [("RangeRequested", requested), ("ActualObjectSize", $"{sizeBytes}")],
            Headers = [("Content-Range", $"bytes */{sizeBytes}")],
        };

    /// <summary>A condition that does not hold.</summary>
    public static S3Error PreconditionFailed(string condition) =>
        new("PreconditionFailed", StatusCodes.Status412PreconditionFailed,
            "At least one of the preconditions you specified did not hold.")
        {
            Details = [("Condition", condition)],
        };

    /// <summary>A write, or a method that the resource does not have.</summary>
    public static S3Error MethodNotAllowed(string method, string resource) =>
        new("MethodNotAllowed", StatusCodes.Status405MethodNotAllowed,
            "The specified method is not allowed against this resource: the mount is read-only.")
        {
            Details = [("Method", method), ("ResourceType", resource)],
            Headers = [AllowRead],
        };

    /// <summary>An operation of S3 that Thaw does not have.</summary>
    public static S3Error NotImplemented(string feature) =>
        new("NotImplemented", StatusCodes.Status501NotImplemented,
            $"Thaw does not implement the S3 feature '{feature}'.");

    private static (string Name, string Value) AllowRead => ("Allow", "GET, HEAD");
}
