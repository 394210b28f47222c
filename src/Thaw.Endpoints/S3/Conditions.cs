using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Thaw.Core.Identity;

namespace Thaw.Endpoints.S3;

/// <summary>What the conditions of a request say.</summary>
internal enum ConditionOutcome
{
    /// <summary>Go on.</summary>
    Proceed,

    /// <summary>304: what the client has is still right.</summary>
    NotModified,

    /// <summary>412: the client asked for something else.</summary>
    Failed,
}

/// <summary>
/// Conditional requests in the order of RFC 9110, 13.2.2: If-Match hides If-Unmodified-Since, If-None-Match hides
/// If-Modified-Since. Tags without quotes are taken as S3 takes them. Dates that do not parse are ignored.
/// </summary>
internal static class Conditions
{
    /// <summary>Compares the headers with the present version.</summary>
    /// <param name="headers">Request headers.</param>
    /// <param name="version">The object's version.</param>
    /// <param name="failed">The name of the header that did not hold.</param>
    public static ConditionOutcome Evaluate(IHeaderDictionary headers, ObjectVersion version, out string failed)
    {
        failed = "";
        var modified = ToSeconds(version.LastModified);
        if (headers.IfMatch is { Count: > 0 } ifMatch)
        {
            failed = "If-Match";
            if (!Matches(ifMatch.ToString(), version.ETag, strong: true))
                return ConditionOutcome.Failed;
        }
        else if (TryDate(headers.IfUnmodifiedSince.ToString(), out var unmodifiedSince) && modified > unmodifiedSince)
        {
            failed = "If-Unmodified-Since";
            return ConditionOutcome.Failed;
        }

        if (headers.IfNoneMatch is { Count: > 0 } ifNoneMatch)
            return Matches(ifNoneMatch.ToString(), version.ETag, strong: false)
                ? ConditionOutcome.NotModified
                : ConditionOutcome.Proceed;
        return TryDate(headers.IfModifiedSince.ToString(), out var modifiedSince) && modified <= modifiedSince
            ? ConditionOutcome.NotModified
            : ConditionOutcome.Proceed;
    }

    /// <summary>Whether Range counts: If-Range is absent, or names this very version (RFC 9110, 13.1.5).</summary>
    public static bool RangeCounts(IHeaderDictionary headers, ObjectVersion version)
    {
        var ifRange = headers.IfRange.ToString();
        if (ifRange.Length == 0)
            return true;
        return TryDate(ifRange, out var date)
            ? ToSeconds(version.LastModified) == date
            : Matches(ifRange, version.ETag, strong: true);
    }

    private static bool Matches(string list, string etag, bool strong)
    {
        if (list.Trim() == "*")
            return true;
        var mine = Bare(etag, out var mineIsWeak);
        foreach (var tag in SplitTags(list))
        {
            var theirs = Bare(tag, out var theirsIsWeak);
            if (theirs == mine && !(strong && (mineIsWeak || theirsIsWeak)))
                return true;
        }

        return false;
    }

    /// <summary>Splits at commas outside of quotes: an entity tag may hold commas.</summary>
    private static IEnumerable<string> SplitTags(string list)
    {
        var (start, quoted) = (0, false);
        for (var i = 0; i <= list.Length; i++)
        {
            if (i < list.Length && list[i] == '"')
                quoted = !quoted;
            if (i < list.Length && (quoted || list[i] != ','))
                continue;
            var tag = list[start..i].Trim();
            start = i + 1;
            if (tag.Length > 0)
                yield return tag;
        }
    }

    private static string Bare(string tag, out bool isWeak)
    {
        isWeak = tag.StartsWith("W/", StringComparison.Ordinal);
        var opaque = isWeak ? tag[2..] : tag;
        return opaque.Length >= 2 && opaque[0] == '"' && opaque[^1] == '"' ? opaque[1..^1] : opaque;
    }

    private static bool TryDate(string text, out DateTimeOffset date)
    {
        date = default;
        return text.Length > 0 && HeaderUtilities.TryParseDate(text, out date);
    }

    private static DateTimeOffset ToSeconds(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}
