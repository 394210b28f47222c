using System.Globalization;
using System.Text;
using Thaw.Core;

namespace Thaw.Endpoints.S3;

/// <summary>The parameters of ListObjects (V1) and ListObjectsV2, checked.</summary>
internal sealed record ListQuery
{
    /// <summary>Greater than any key below a common prefix: the largest code point behind it.</summary>
    private const string PastAnyKey = "\U0010FFFF";

    public required bool IsV2 { get; init; }
    public required string Prefix { get; init; }
    public required string? Delimiter { get; init; }

    /// <summary>Where to begin, as the client said: <c>marker</c> or <c>start-after</c>.</summary>
    public required string? Begin { get; init; }
    public required string? Token { get; init; }

    /// <summary>The key after which the page begins.</summary>
    public required string StartAfter { get; init; }

    /// <summary>0-1000.</summary>
    public required int MaxKeys { get; init; }
    public required bool UrlEncoding { get; init; }

    /// <summary>Reads the query of a listing.</summary>
    public static ListQuery? Parse(S3Query query, out S3Error? error)
    {
        error = null;
        var listType = query["list-type"];
        if (listType is not (null or "2"))
            error = S3Error.InvalidArgument("list-type", listType, "Invalid List Type specified in Request.");
        var maxKeys = Limits.ListPageKeys;
        if (query["max-keys"] is { Length: > 0 } text && !TryMaxKeys(text, out maxKeys))
            error ??= S3Error.InvalidArgument("max-keys", text, "Argument max-keys must be an integer of 0 or more.");
        var encoding = query["encoding-type"];
        if (encoding is not (null or "" or "url"))
            error ??= S3Error.InvalidArgument(
                "encoding-type", encoding, "Invalid Encoding Method specified in Request.");
        var (isV2, delimiter, prefix) = (listType == "2", query["delimiter"], query["prefix"] ?? "");
        delimiter = delimiter is "" ? null : delimiter;
        var token = isV2 ? query["continuation-token"] : null;
        var begin = query[isV2 ? "start-after" : "marker"];
        var startAfter = SkipCommonPrefix(begin ?? "", prefix, delimiter);
        if (token is not null && !ContinuationToken.TryRead(token, out startAfter))
            error ??= S3Error.InvalidArgument(
                "continuation-token", token, "The continuation token provided is incorrect.");
        foreach (var value in new[] { prefix, delimiter, begin })
            if (value is not null && Encoding.UTF8.GetByteCount(value) > Limits.KeyBytes)
                error ??= S3Error.KeyTooLong();
        return error is not null ? null : new ListQuery
        {
            IsV2 = isV2,
            Prefix = prefix,
            Delimiter = delimiter,
            Begin = begin,
            Token = token,
            StartAfter = startAfter,
            MaxKeys = maxKeys,
            UrlEncoding = encoding == "url",
        };
    }

    /// <summary>
    /// A marker may be the common prefix that ended the last page (V1's NextMarker); the page then begins behind all
    /// keys below it.
    /// </summary>
    private static string SkipCommonPrefix(string begin, string prefix, string? delimiter)
    {
        if (delimiter is null || begin.Length <= prefix.Length || !begin.StartsWith(prefix, StringComparison.Ordinal))
            return begin;
        var at = begin.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal);
        return at >= 0 && at + delimiter.Length == begin.Length ? begin + PastAnyKey : begin;
    }

    /// <summary>S3 answers at most 1000 keys whatever was asked.</summary>
    private static bool TryMaxKeys(string text, out int maxKeys)
    {
        var isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var asked);
        maxKeys = Math.Min(asked, Limits.ListPageKeys);
        return isNumber;
    }
}
