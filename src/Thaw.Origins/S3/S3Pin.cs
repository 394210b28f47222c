using System.Globalization;
using System.Net;
using Amazon.S3.Model;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Origins.S3;

/// <summary>
/// Compares the head of a range answer with the pin. Servers and proxies that ignore If-Match or Range, or answer from
/// another version, are found here and not by a reader.
/// </summary>
internal static class S3Pin
{
    /// <summary>Null if the answer is the range of the version that was asked for.</summary>
    public static Failure? Check(GetObjectResponse answer, OriginRead read, string where)
    {
        var (version, range) = (read.Version, read.Range);
        if (string.IsNullOrEmpty(answer.ETag) || S3Versions.Quoted(answer.ETag) != version.ETag)
            return Changed(read, where, "another ETag");
        if (answer.HttpStatusCode == HttpStatusCode.OK)
            return answer.ContentLength != version.SizeBytes
                ? Changed(read, where, "another size")
                : range.Start == 0 && range.Length == version.SizeBytes ? null : Wrong(read, where, "no range");
        if (!TryParse(answer.ContentRange, out var start, out var end, out var total))
            return Wrong(read, where, "no readable Content-Range");
        if (total != version.SizeBytes)
            return Changed(read, where, "another size");
        if (start != range.Start || end != range.End)
            return Wrong(read, where, "another range");
        return answer.ContentLength >= 0 && answer.ContentLength != range.Length && !IsUnknown(answer)
            ? Wrong(read, where, "another length")
            : null;
    }

    /// <summary>Answers in chunks carry no length; the SDK shows that as 0.</summary>
    private static bool IsUnknown(GetObjectResponse answer) => answer.ContentLength == 0;

    /// <summary><c>bytes 0-9/100</c> (RFC 9110, 14.4); an unknown total is -1.</summary>
    private static bool TryParse(string? header, out long start, out long end, out long total)
    {
        (start, end, total) = (0, 0, -1);
        if (header is null || !header.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase))
            return false;
        var text = header.AsSpan(6);
        var dash = text.IndexOf('-');
        var slash = text.IndexOf('/');
        if (dash < 0 || slash < dash
            || !long.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out start)
            || !long.TryParse(text[(dash + 1)..slash], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            || !long.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out total))
            return false;
        end = last + 1;
        return true;
    }

    private static Failure Changed(OriginRead read, string where, string what) =>
        new(FailureKind.VersionChanged, $"{read.Key} changed at {where}: its answer has {what}.");

    private static Failure Wrong(OriginRead read, string where, string what) =>
        new(FailureKind.OriginProtocol,
            $"{where} answered a GET of {read.Key} with {what}; is there a proxy between?", RetryAdvice.Later);
}
