using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Origins.S3;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class S3OriginTests : IAsyncLifetime
{
    private const string Bucket = "bucket";
    private const string KmsHeader = "x-amz-server-side-encryption";
    private const string CustomerHeader = "x-amz-server-side-encryption-customer-algorithm";

    private FaultyOrigin _server = null!;
    private S3Origin _origin = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await FaultyOrigin.StartAsync();
        _origin = new S3Origin(S3OriginUnderTest.MountOf(_server.Endpoint, Bucket, "prod/"));
    }

    public async ValueTask DisposeAsync()
    {
        await _origin.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(FakeSum.Crc32C, SumKind.Crc32C)]
    [InlineData(FakeSum.Sha256, SumKind.Sha256)]
    [InlineData(FakeSum.CompositeCrc32C, SumKind.Md5)]
    [InlineData(FakeSum.None, SumKind.Md5)]
    public async Task OnlyFullObjectSumsCount(FakeSum published, SumKind expected)
    {
        var content = FakeContent.From("text");
        _server.Put(Bucket, "prod/key", content, new FakeObjectOptions { Sum = published });
        var version = await HeadAsync("key");
        Assert.Equal(expected, version.Sum?.Kind);
        Assert.Equal(expected == SumKind.Sha256, version.Id.ToString() == content.Sha256());
        if (expected == SumKind.Crc32C)
            Assert.Equal(content.ComputeCrc32C(),
                System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(version.Sum!.Value.AsSpan()));
    }

    [Theory]
    [InlineData(KmsHeader, "AES256", true)]
    [InlineData(KmsHeader, "aws:kms", false)]
    [InlineData(KmsHeader, "aws:kms:dsse", false)]
    [InlineData(CustomerHeader, "AES256", false)]
    public async Task AnETagIsAnMd5UnlessOtherKeysEncrypt(string header, string value, bool isMd5)
    {
        _server.Put(Bucket, "prod/key", FakeContent.From("text"), new FakeObjectOptions
        {
            Headers = new Dictionary<string, string> { [header] = value },
        });
        Assert.Equal(isMd5 ? SumKind.Md5 : null, (await HeadAsync("key")).Sum?.Kind);
    }

    [Theory]
    [InlineData("\"0123456789abcdef0123456789abcdef-2\"")]
    [InlineData("\"0123456789abcdef\"")]
    [InlineData("\"0123456789abcdef0123456789abcdeg\"")]
    public async Task OtherETagsAreNoSums(string etag)
    {
        _server.Put(Bucket, "prod/key", FakeContent.From("text"), new FakeObjectOptions { ETag = etag });
        Assert.Null((await HeadAsync("key")).Sum);
    }

    [Fact]
    public async Task AWeakTagIsComparedButNoCondition()
    {
        _server.Put(Bucket, "prod/key", FakeContent.From("text"), new FakeObjectOptions { ETag = "W/\"1\"" });
        var version = await HeadAsync("key");
        Assert.True(version.IsWeak);
        Assert.True((await OriginUnderTest.ReadAsync(_origin, "key", version, new(0, 4))).IsOk);
        Assert.Equal("", Assert.Single(_server.Log.Gets).IfMatch);
        _server.Put(Bucket, "prod/key", FakeContent.From("next"), new FakeObjectOptions { ETag = "W/\"2\"" });
        var changed = await OriginUnderTest.ReadAsync(_origin, "key", version, new(0, 4));
        Assert.Equal(FailureKind.VersionChanged, changed.Failure?.Kind);
    }

    [Fact]
    public async Task TheIdentityIsThatOfTheDesign()
    {
        _server.Put(Bucket, "prod/key", FakeContent.From("text"));
        var version = await HeadAsync("key");
        Assert.Equal(ContentId.Derive(
            "s3", $"127.0.0.1:{_server.Endpoint.Port}", Bucket, "prod/key", version.ETag, "4"), version.Id);
        Assert.Equal("", S3Connection.HostOf(null));
        Assert.Equal("", S3Connection.HostOf(new Uri("https://s3.eu-west-1.amazonaws.com")));
        Assert.Equal("minio.local", S3Connection.HostOf(new Uri("https://MinIO.local:443/")));
        Assert.Equal("minio.local:9000", S3Connection.HostOf(new Uri("http://minio.local:9000")));
    }

    [Fact]
    public async Task AMissingBucketSaysSo()
    {
        await using var origin = new S3Origin(S3OriginUnderTest.MountOf(_server.Endpoint, "nowhere"));
        var page = await origin.ListAsync(new ListRequest("", null, "", 1), CancellationToken.None);
        Assert.Equal(FailureKind.NotFound, page.Failure?.Kind);
        Assert.Contains("bucket", page.Failure?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownHostsAndBrokenTlsAreUnavailableOrigins()
    {
        await using var unknown =
            new S3Origin(S3OriginUnderTest.MountOf(new Uri("http://no-such-host.invalid"), Bucket));
        var answer = await unknown.HeadAsync("key", CancellationToken.None);
        Assert.Equal((FailureKind.OriginUnavailable, RetryAdvice.Later), (answer.Failure?.Kind, answer.Failure?.Retry));
        Assert.Contains("resolved", answer.Failure?.Message, StringComparison.Ordinal);

        await using var tls =
            new S3Origin(S3OriginUnderTest.MountOf(new Uri($"https://127.0.0.1:{_server.Endpoint.Port}"), Bucket));
        answer = await tls.HeadAsync("key", CancellationToken.None);
        Assert.Equal((FailureKind.OriginUnavailable, RetryAdvice.Later), (answer.Failure?.Kind, answer.Failure?.Retry));
        Assert.Contains("TLS", answer.Failure?.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(503, "SlowDown", FailureKind.Throttled)]
    [InlineData(503, "InternalError", FailureKind.OriginUnavailable)]
    [InlineData(400, "ExpiredToken", FailureKind.AccessDenied)]
    [InlineData(400, "AuthorizationHeaderMalformed", FailureKind.OriginProtocol)]
    [InlineData(418, "Teapot", FailureKind.OriginProtocol)]
    public async Task ErrorCodesAreTold(int status, string code, FailureKind kind)
    {
        _server.AddBucket(Bucket);
        _server.Faults = _ => new Fault { Status = status, Code = code };
        var page = await _origin.ListAsync(new ListRequest("", null, "", 1), CancellationToken.None);
        Assert.Equal(kind, page.Failure?.Kind);
        Assert.DoesNotContain("as the test says", page.Failure?.Message, StringComparison.Ordinal);
        Assert.Single(_server.Log.Requests);
    }

    [Fact]
    public async Task KeysAreReadAgainWhenTheirFilesChange()
    {
        using var files = new TemporaryDirectory();
        File.WriteAllText(files["access"], "FIRSTKEY\n");
        File.WriteAllText(files["secret"], "secret-one");
        _server.Put(Bucket, "key", FakeContent.From("text"));
        await using var origin = new S3Origin(S3OriginUnderTest.MountOf(_server.Endpoint, Bucket) with
        {
            Credentials = new CredentialsConfig(files["access"], files["secret"]),
        });
        Assert.True((await origin.HeadAsync("key", CancellationToken.None)).IsOk);
        File.WriteAllText(files["access"], "SECONDKEY");
        Assert.True((await origin.HeadAsync("key", CancellationToken.None)).IsOk);
        Assert.Contains("FIRSTKEY/", _server.Log.Heads[0].Authorization, StringComparison.Ordinal);
        Assert.Contains("SECONDKEY/", _server.Log.Heads[1].Authorization, StringComparison.Ordinal);
        File.Delete(files["secret"]);
        var answer = await origin.HeadAsync("key", CancellationToken.None);
        Assert.Equal(FailureKind.Unauthorized, answer.Failure?.Kind);
        Assert.Contains(files["secret"], answer.Failure?.Message, StringComparison.Ordinal);
        Assert.Equal(2, _server.Log.Heads.Count);
    }

    [Fact]
    public async Task AnonymousRequestsAreNotSigned()
    {
        _server.Put(Bucket, "prod/key", FakeContent.From("text"));
        await HeadAsync("key");
        Assert.Equal("", Assert.Single(_server.Log.Heads).Authorization);
    }

    private async Task<ObjectVersion> HeadAsync(string key)
    {
        var answer = await _origin.HeadAsync(key, CancellationToken.None);
        Assert.True(answer.IsOk, answer.Failure?.Message);
        return answer.Value;
    }
}
