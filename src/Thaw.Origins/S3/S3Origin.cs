using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Origins.S3;

/// <summary>
/// Amazon S3 and compatible services below one bucket and prefix: protocol only, one request for each call (a listing
/// that the origin answers with an empty page takes more). Any thread may call.
/// </summary>
internal sealed class S3Origin : IOrigin
{
    private readonly S3Connection _connection;
    private readonly string _bucket;
    private readonly string _prefix;
    private readonly string _host;

    public S3Origin(MountConfig mount)
    {
        _connection = new S3Connection(mount);
        _bucket = mount.OriginBucket;
        _prefix = mount.OriginPrefix;
        _host = S3Connection.HostOf(mount.Endpoint);
        Name = mount.Endpoint is { } endpoint
            ? $"s3://{_bucket}/{_prefix} at {endpoint.GetLeftPart(UriPartial.Authority)}"
            : $"s3://{_bucket}/{_prefix}";
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public async ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken)
    {
        if (CheckKey(key) is { } refused)
            return refused;
        var request = new GetObjectMetadataRequest
        {
            BucketName = _bucket,
            Key = _prefix + key,
            ChecksumMode = ChecksumMode.ENABLED,
        };
        try
        {
            var answer =
                await _connection.Client.GetObjectMetadataAsync(request, cancellationToken).ConfigureAwait(false);
            return S3Versions.From(answer, _host, _bucket, _prefix + key, Name);
        }
        catch (Exception e) when (!S3Failures.IsCancellation(e, cancellationToken))
        {
            return S3Failures.From(e, $"HEAD of {key}", Name);
        }
    }

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken)
    {
        var (range, version) = (read.Range, read.Version);
        if (CheckKey(read.Key) is { } refused)
            return refused;
        if (range.Length <= 0 || range.Start < 0 || range.End > version.SizeBytes)
            return new Failure(FailureKind.InvalidRange,
                $"The range {range.Start}+{range.Length} is not within the {version.SizeBytes} bytes of {read.Key}.");
        var request = new GetObjectRequest
        {
            BucketName = _bucket,
            Key = _prefix + read.Key,
            ByteRange = new ByteRange(range.Start, range.End - 1),
        };
        // A weak tag never matches a condition (RFC 9110, 13.1.1); it is still compared with the answer's.
        if (!S3Versions.IsWeak(version.ETag))
            request.EtagToMatch = version.ETag;
        try
        {
            var answer = await _connection.Client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
            if (S3Pin.Check(answer, read, Name) is not { } failure)
                return new S3Body(answer, read, Name);
            answer.Dispose();
            return failure;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // The range lies within the pinned size, so it is the object that shrank.
            return new Failure(FailureKind.VersionChanged, $"{read.Key} changed at {Name}: it became shorter.");
        }
        catch (Exception e) when (!S3Failures.IsCancellation(e, cancellationToken))
        {
            return S3Failures.From(e, $"GET of {read.Key}", Name);
        }
    }

    /// <inheritdoc />
    public async ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken)
    {
        var question = Question(request);
        try
        {
            for (var page = 0; page < Limits.OriginEmptyPages; page++)
            {
                var answer =
                    await _connection.Client.ListObjectsV2Async(question, cancellationToken).ConfigureAwait(false);
                var entries = S3Listing.EntriesOf(answer, _prefix, DecoderOf(answer));
                if (answer.IsTruncated is not true)
                    return new ListPage(entries, false);
                if (!entries.IsEmpty)
                    return new ListPage(entries, true);
                question.ContinuationToken = answer.NextContinuationToken;
            }
        }
        catch (Exception e) when (!S3Failures.IsCancellation(e, cancellationToken))
        {
            return S3Failures.From(e, $"listing of '{request.Prefix}'", Name);
        }

        return new Failure(FailureKind.OriginProtocol,
            $"{Name} answered the listing of '{request.Prefix}' with {Limits.OriginEmptyPages} empty pages.");
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private ListObjectsV2Request Question(ListRequest request)
    {
        // Without a start the mount's prefix is one: it leaves out the marker object that consoles make for it.
        var startAfter = request.StartAfter.Length > 0 || (request.Prefix.Length == 0 && _prefix.Length > 0)
            ? _prefix + request.StartAfter
            : null;
        return new ListObjectsV2Request
        {
            BucketName = _bucket,
            Prefix = _prefix + request.Prefix,
            Delimiter = string.IsNullOrEmpty(request.Delimiter) ? null : request.Delimiter,
            StartAfter = startAfter,
            MaxKeys = Math.Clamp(request.MaxKeys, 1, Limits.ListPageKeys),
            Encoding = EncodingType.Url,
        };
    }

    /// <summary>Keys may hold what XML cannot, so they travel URL-encoded where the server does as asked.</summary>
    private static Func<string, string> DecoderOf(ListObjectsV2Response answer) =>
        answer.Encoding == EncodingType.Url ? static key => WebUtility.UrlDecode(key) : static key => key;

    /// <summary>
    /// A dot segment would be resolved in the URL and lead to another key, even out of the mount's prefix.
    /// </summary>
    private Failure? CheckKey(string key) =>
        key.Length > 0 && !key.Split('/').Any(static part => part is "." or "..")
            ? null
            : new Failure(FailureKind.InvalidRequest,
                $"The key '{key}' cannot be asked for at {Name}: it is empty or has a dot segment.");
}
