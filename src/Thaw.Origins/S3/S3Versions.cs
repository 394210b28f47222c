using System.Collections.Immutable;
using System.Globalization;
using Amazon.S3;
using Amazon.S3.Model;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Origins.S3;

/// <summary>From the answer to one HEAD (with checksum mode ENABLED) to a version.</summary>
internal static class S3Versions
{
    private const string MetadataPrefix = "x-amz-meta-";

    /// <summary>Makes the version; an answer without ETag or size identifies nothing.</summary>
    public static Result<ObjectVersion> From(
        GetObjectMetadataResponse answer, string host, string bucket, string fullKey, string where)
    {
        var size = answer.ContentLength;
        if (string.IsNullOrEmpty(answer.ETag) || size < 0)
            return new Failure(FailureKind.OriginProtocol,
                $"The HEAD of {fullKey} at {where} has no ETag or no size; Thaw cannot tell its versions apart.");
        var etag = Quoted(answer.ETag);
        var sum = SumOf(answer, etag);
        return new ObjectVersion
        {
            Id = sum is { Kind: SumKind.Sha256 }
                ? ContentId.FromBytes(sum.Value.AsSpan())
                : ContentId.Derive("s3", host, bucket, fullKey, etag, size.ToString(CultureInfo.InvariantCulture)),
            SizeBytes = size,
            ETag = etag,
            LastModified = WholeSeconds(answer.LastModified),
            ContentType = string.IsNullOrEmpty(answer.Headers.ContentType) ? null : answer.Headers.ContentType,
            Metadata = MetadataOf(answer.Metadata),
            Sum = sum,
            IsWeak = IsWeak(etag),
        };
    }

    /// <summary>Whether two answers may share this tag and differ in bytes (RFC 9110, 8.8.1).</summary>
    public static bool IsWeak(string etag) => etag.StartsWith("W/", StringComparison.Ordinal);

    /// <summary>Some services leave the quotes away.</summary>
    public static string Quoted(string etag) => etag.Contains('"', StringComparison.Ordinal) ? etag : $"\"{etag}\"";

    /// <summary>HTTP dates have whole seconds; listings of some services have fractions of the same moment.</summary>
    public static DateTimeOffset WholeSeconds(DateTime? moment) =>
        moment is { } known
            ? DateTimeOffset.FromUnixTimeSeconds(new DateTimeOffset(known.ToUniversalTime()).ToUnixTimeSeconds())
            : DateTimeOffset.UnixEpoch;

    /// <summary>
    /// sha256 first because it is the identity, then the CRCs because they cost nothing to check, then MD5. Sums count
    /// only if the origin says that they are of the full object; a composite one says nothing about its bytes.
    /// </summary>
    private static OriginSum? SumOf(GetObjectMetadataResponse answer, string etag) =>
        (answer.ChecksumType == ChecksumType.FULL_OBJECT
            ? Parse(SumKind.Sha256, answer.ChecksumSHA256)
                ?? Parse(SumKind.Crc64Nvme, answer.ChecksumCRC64NVME)
                ?? Parse(SumKind.Crc32C, answer.ChecksumCRC32C)
            : null)
        ?? Md5Of(answer, etag);

    private static OriginSum? Parse(SumKind kind, string? base64)
    {
        Span<byte> value = stackalloc byte[33];
        return !string.IsNullOrEmpty(base64) && Convert.TryFromBase64String(base64, value, out var length)
            && length == OriginSum.LengthOf(kind)
                ? new OriginSum(kind, [.. value[..length]])
                : null;
    }

    /// <summary>
    /// A plain ETag is the MD5 unless the object is encrypted with other keys than S3's own (Amazon S3 API, Object).
    /// </summary>
    private static OriginSum? Md5Of(GetObjectMetadataResponse answer, string etag)
    {
        Span<byte> value = stackalloc byte[16];
        var hasOtherKeys = IsKms(answer.ServerSideEncryptionMethod)
            || !string.IsNullOrEmpty(answer.ServerSideEncryptionKeyManagementServiceKeyId)
            || !string.IsNullOrEmpty(answer.ServerSideEncryptionCustomerMethod?.Value);
        return !hasOtherKeys && etag.Length == 34 && etag[0] == '"' && etag[^1] == '"'
            && Convert.FromHexString(etag.AsSpan(1, 32), value, out _, out _) == System.Buffers.OperationStatus.Done
                ? new OriginSum(SumKind.Md5, [.. value])
                : null;
    }

    private static bool IsKms(ServerSideEncryptionMethod? method) =>
        method?.Value is { Length: > 0 } name && name.StartsWith("aws:", StringComparison.OrdinalIgnoreCase);

    private static ImmutableSortedDictionary<string, string> MetadataOf(MetadataCollection metadata)
    {
        if (metadata.Count == 0)
            return ImmutableSortedDictionary<string, string>.Empty;
        var builder = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var name in metadata.Keys)
        {
            var lower = name.ToLowerInvariant();
            builder[lower.StartsWith(MetadataPrefix, StringComparison.Ordinal)
                ? lower[MetadataPrefix.Length..]
                : lower] =
                metadata[name];
        }

        return builder.ToImmutable();
    }
}
