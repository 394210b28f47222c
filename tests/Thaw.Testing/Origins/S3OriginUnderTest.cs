using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;

namespace Thaw.Testing.Origins;

/// <summary>The S3 connector at any server: a bucket, and a prefix for each test.</summary>
public sealed class S3OriginUnderTest : OriginUnderTest
{
    private readonly TemporaryDirectory _keys = new();
    private readonly AmazonS3Client _client;
    private readonly MountConfig _mount;

    private S3OriginUnderTest(Uri endpoint, string bucket, string accessKey, string secretKey)
    {
        _client = new AmazonS3Client(new BasicAWSCredentials(accessKey, secretKey), new AmazonS3Config
        {
            ServiceURL = endpoint.AbsoluteUri,
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        });
        File.WriteAllText(_keys["access"], accessKey + "\n");
        File.WriteAllText(_keys["secret"], secretKey);
        _mount = MountOf(endpoint, bucket, $"test {Guid.NewGuid():n}/") with
        {
            Credentials = new CredentialsConfig(_keys["access"], _keys["secret"]),
        };
        Origin = Connect(_mount);
    }

    /// <inheritdoc />
    public override IOrigin Origin { get; }

    /// <inheritdoc />
    public override bool HasMetadata => true;

    /// <inheritdoc />
    public override bool HasAnyKey => true;

    /// <inheritdoc />
    public override bool ListsPrefixBehindStart => false;

    /// <summary>Makes the bucket if needed and an empty mount in it.</summary>
    public static async Task<S3OriginUnderTest> StartAsync(
        Uri endpoint, string bucket, string accessKey = "access", string secretKey = "secret")
    {
        var started = new S3OriginUnderTest(endpoint, bucket, accessKey, secretKey);
        await started._client.PutBucketAsync(bucket);
        // A marker of the mount's prefix, as consoles make them: it must never be listed.
        await started.PutAsync("", []);
        return started;
    }

    /// <summary>An anonymous mount of a bucket and prefix at an endpoint.</summary>
    public static MountConfig MountOf(Uri endpoint, string bucket, string prefix = "") => new()
    {
        Name = "models",
        Bucket = "models",
        Origin = $"s3://{bucket}/{prefix}",
        Scheme = OriginScheme.S3,
        OriginBucket = bucket,
        OriginPrefix = prefix,
        Endpoint = endpoint,
        Credentials = new CredentialsConfig(Anonymous: true),
    };

    /// <inheritdoc />
    public override async Task PutAsync(
        string key, byte[] bytes, string? contentType = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var request = new PutObjectRequest
        {
            BucketName = _mount.OriginBucket,
            Key = _mount.OriginPrefix + key,
            InputStream = new MemoryStream(bytes),
        };
        if (contentType is not null)
            request.ContentType = contentType;
        foreach (var (name, value) in metadata ?? new Dictionary<string, string>())
            request.Metadata.Add(name, value);
        await _client.PutObjectAsync(request);
    }

    /// <inheritdoc />
    public override async Task DeleteAsync(string key) =>
        await _client.DeleteObjectAsync(_mount.OriginBucket, _mount.OriginPrefix + key);

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await Origin.DisposeAsync();
        _client.Dispose();
        _keys.Dispose();
    }
}
