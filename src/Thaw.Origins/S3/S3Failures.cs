using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Thaw.Core.Failures;

namespace Thaw.Origins.S3;

/// <summary>
/// From what the SDK throws to failures. Messages name the place and the origin's error code, never its text, which
/// may repeat keys and signatures.
/// </summary>
internal static class S3Failures
{
    /// <summary>
    /// Whether this is the caller's own cancellation. An answer that came in the same moment as the cancellation is
    /// still an answer and stays a failure.
    /// </summary>
    public static bool IsCancellation(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;

    /// <summary>Maps an exception; cancellation by the caller is no failure and must be handled before.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="what">What was tried, as a noun phrase: <c>HEAD of key</c>.</param>
    /// <param name="where">Name of the origin.</param>
    public static Failure From(Exception exception, string what, string where)
    {
        for (var e = exception; e is not null; e = e.InnerException)
            if (Known(e, exception, what, where) is { } failure)
                return failure;
        return exception is AmazonUnmarshallingException
            ? new Failure(
                FailureKind.OriginProtocol, $"The answer to {what} at {where} cannot be read.", RetryAdvice.Later)
            : new Failure(FailureKind.OriginUnavailable,
                $"{what} at {where} failed ({exception.GetType().Name}).", RetryAdvice.Later);
    }

    private static Failure? Known(Exception e, Exception outer, string what, string where) => e switch
    {
        AmazonServiceException { StatusCode: not 0 } service => FromStatus(service, what, where),
        CredentialsUnavailableException missing => NoCredentials(what, where, missing.Message),
        AmazonClientException client when IsAboutCredentials(client) => NoCredentials(what, where,
            "the default credential chain has none; set credentials of the mount, or anonymous: true"),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } =>
            Unavailable($"The host name of {where} cannot be resolved; check the endpoint and DNS."),
        AuthenticationException or HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            Unavailable($"TLS with {where} failed; check the endpoint's scheme and certificate."),
        SocketException socket => Unavailable($"{what} at {where} failed: {socket.SocketErrorCode}."),
        OperationCanceledException or TimeoutException => Unavailable($"{what} at {where} timed out."),
        HttpRequestException or IOException when e.InnerException is null =>
            Unavailable($"{what} at {where} failed: the connection broke."),
        AmazonUnmarshallingException or System.Xml.XmlException => new Failure(FailureKind.OriginProtocol,
            $"The answer to {what} at {where} cannot be read; is this an S3 endpoint?", RetryAdvice.Later),
        _ => null,
    };

    private static Failure FromStatus(AmazonServiceException e, string what, string where)
    {
        var status = (int)e.StatusCode;
        var code = e.ErrorCode is { Length: > 0 and <= 64 } named ? $"{status} {named}" : $"{status}";
        return (status, e.ErrorCode) switch
        {
            (404, "NoSuchBucket") => new Failure(FailureKind.NotFound,
                $"The bucket of {where} does not exist; check the mount's origin."),
            (404, _) => new Failure(FailureKind.NotFound, $"Not found: {what} at {where}."),
            (412, _) => new Failure(FailureKind.VersionChanged, $"The object changed: {what} at {where}."),
            (416, _) =>
                new Failure(FailureKind.InvalidRange, $"The range is outside of the object: {what} at {where}."),
            (401, _) => new Failure(FailureKind.Unauthorized,
                $"{where} wants credentials for {what} ({code}); check the mount's credentials."),
            (403, _) or (400, "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired") => new Failure(
                FailureKind.AccessDenied,
                $"{where} refuses {what} ({code}); check the mount's credentials and the bucket's policy."),
            (429, _) or (503, _) or (_, "SlowDown" or "RequestLimitExceeded" or "Throttling") =>
                Throttled(e, what, where, code),
            (301 or 307 or 308, _) or (400, "AuthorizationHeaderMalformed") => new Failure(FailureKind.OriginProtocol,
                $"{where} is served from another region{RegionOf(e)} ({code}); set the mount's region or endpoint."),
            ( >= 500 or 408, _) => new Failure(FailureKind.OriginUnavailable,
                $"{where} answered {code} to {what}.", RetryAdvice.Later, RetryAfterOf(e)),
            _ => new Failure(FailureKind.OriginProtocol, $"{where} answered {code} to {what}."),
        };
    }

    /// <summary>503 is what S3 throttles with; one that names another cause is an outage.</summary>
    private static Failure Throttled(AmazonServiceException e, string what, string where, string code) =>
        e.StatusCode == HttpStatusCode.ServiceUnavailable && e.ErrorCode is { Length: > 0 } named
            && named is not (
                "SlowDown" or "ServiceUnavailable" or "RequestLimitExceeded" or "Throttling" or "TooManyRequests")
            ? new Failure(FailureKind.OriginUnavailable,
                $"{where} answered {code} to {what}.", RetryAdvice.Later, RetryAfterOf(e))
            : new Failure(FailureKind.Throttled,
                $"{where} asks to slow down ({code}) at {what}.", RetryAdvice.Later, RetryAfterOf(e));

    private static Failure NoCredentials(string what, string where, string why) =>
        new(FailureKind.Unauthorized, $"No credentials for {what} at {where}: {why}.");

    private static Failure Unavailable(string message) =>
        new(FailureKind.OriginUnavailable, message, RetryAdvice.Later);

    private static bool IsAboutCredentials(AmazonClientException e) =>
        e.Message.Contains("credential", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("identity", StringComparison.OrdinalIgnoreCase);

    /// <summary>RFC 9110, 10.2.3: seconds or a date; a date is counted from the answer's own.</summary>
    private static TimeSpan? RetryAfterOf(AmazonServiceException e)
    {
        var value = HeaderOf(e, "Retry-After");
        if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return TimeSpan.FromSeconds(seconds);
        if (!DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var when)
            || !DateTimeOffset.TryParse(HeaderOf(e, "Date"), CultureInfo.InvariantCulture, out var now))
            return null;
        return when > now ? when - now : TimeSpan.Zero;
    }

    private static string RegionOf(AmazonServiceException e) =>
        HeaderOf(e, "x-amz-bucket-region") is { Length: > 0 and <= 32 } region ? $", {region}" : "";

    private static string HeaderOf(AmazonServiceException e, string name) =>
        e.InnerException is HttpErrorResponseException { Response: { } response } && response.IsHeaderPresent(name)
            ? response.GetHeaderValue(name)
            : "";
}
