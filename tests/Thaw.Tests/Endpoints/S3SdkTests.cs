using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class S3SdkTests
{
    [Fact]
    public async Task The_SDK_lists_and_reads()
    {
        await using var bench = await S3Bench.StartAsync();
        var bytes = S3Bench.Bytes(700_000);
        foreach (var key in new[] { "dir/a b+c.bin", "dir/é😀", "top" })
            bench.Models.Add(key, bytes);
        using var client = new AmazonS3Client(new BasicAWSCredentials("any", "thing"), new AmazonS3Config
        {
            ServiceURL = $"http://{bench.Server.EndPoint}",
            ForcePathStyle = true,
        });
        var buckets = await client.ListBucketsAsync();
        Assert.Equal(["acme-models", "other"], buckets.Buckets.Select(bucket => bucket.BucketName));
        var keys = new List<string>();
        await foreach (var each in client.Paginators.ListObjectsV2(
            new ListObjectsV2Request { BucketName = "models", MaxKeys = 1 }).S3Objects)
            keys.Add(each.Key);
        Assert.Equal(bench.Models.Keys, keys);
        foreach (var key in keys)
        {
            using var got = await client.GetObjectAsync("models", key);
            var copy = new MemoryStream();
            await got.ResponseStream.CopyToAsync(copy);
            Assert.Equal(bytes, copy.ToArray());
        }

        var missing = await Assert.ThrowsAsync<NoSuchKeyException>(() => client.GetObjectAsync("models", "none"));
        Assert.NotEmpty(missing.RequestId);
        var denied = await Assert.ThrowsAsync<AmazonS3Exception>(() => client.PutObjectAsync(
            new PutObjectRequest { BucketName = "models", Key = "new", ContentBody = "x" }));
        Assert.Equal("MethodNotAllowed", denied.ErrorCode);
    }
}
