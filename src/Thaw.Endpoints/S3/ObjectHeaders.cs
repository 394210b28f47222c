using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Thaw.Core.Identity;

namespace Thaw.Endpoints.S3;

/// <summary>Headers of an object: as at the origin, then what the request overrides.</summary>
internal static class ObjectHeaders
{
    private const string DefaultContentType = "binary/octet-stream";

    // What char.IsControl says: C0, DEL and C1.
    private static readonly SearchValues<char> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(char.IsControl)]);

    private static Date? _lastDate;

    private static readonly (string Parameter, string Header)[] Overrides =
    [
        ("response-content-type", "Content-Type"), ("response-content-language", "Content-Language"),
        ("response-expires", "Expires"), ("response-cache-control", "Cache-Control"),
        ("response-content-disposition", "Content-Disposition"), ("response-content-encoding", "Content-Encoding"),
    ];

    /// <summary>Headers that also stand in a 304 (RFC 9110, 15.4.5).</summary>
    public static void WriteValidators(IHeaderDictionary headers, ObjectVersion version)
    {
        headers.ETag = version.ETag;
        headers.LastModified = DateText(version.LastModified);
    }

    /// <summary>
    /// All headers of a 200 or 206 but length and range. The error names an override that cannot be a header.
    /// </summary>
    public static S3Error? Write(IHeaderDictionary headers, ObjectVersion version, S3Query query)
    {
        WriteValidators(headers, version);
        headers.AcceptRanges = "bytes";
        headers.ContentType = IsHeaderText(version.ContentType) ? version.ContentType : DefaultContentType;
        var missing = 0;
        foreach (var (name, value) in version.Metadata)
            if (IsToken(name) && IsHeaderText(value))
                headers["x-amz-meta-" + name] = value;
            else
                missing++;
        if (missing > 0)
            headers["x-amz-missing-meta"] = missing.ToString(CultureInfo.InvariantCulture);
        foreach (var (parameter, header) in Overrides)
            if (query[parameter] is { Length: > 0 } value)
            {
                if (!IsHeaderText(value))
                    return S3Error.InvalidArgument(parameter, "", $"The value of {parameter} cannot be a header.");
                headers[header] = value;
            }

        return null;
    }

    /// <summary>
    /// The whole object's published sum, for clients that asked with <c>x-amz-checksum-mode: ENABLED</c>.
    /// </summary>
    public static void WriteSum(IHeaderDictionary headers, ObjectVersion version)
    {
        var name = version.Sum?.Kind switch
        {
            SumKind.Crc32C => "x-amz-checksum-crc32c",
            SumKind.Crc64Nvme => "x-amz-checksum-crc64nvme",
            SumKind.Sha256 => "x-amz-checksum-sha256",
            _ => null,
        };
        if (name is null)
            return;
        headers[name] = Convert.ToBase64String(version.Sum!.Value.AsSpan());
        headers["x-amz-checksum-type"] = "FULL_OBJECT";
    }

    // Many short reads of one object ask for the same text.
    private static string DateText(DateTimeOffset time)
    {
        var last = _lastDate;
        if (last?.Time != time)
            _lastDate = last = new Date(time, time.UtcDateTime.ToString("R", CultureInfo.InvariantCulture));
        return last.Text;
    }

    private sealed record Date(DateTimeOffset Time, string Text);

    private static bool IsHeaderText(string? text) => text is not null && !text.AsSpan().ContainsAny(Controls);

    private static bool IsToken(string name) =>
        name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));
}
