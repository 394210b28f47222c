using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Thaw.Conformance.Clients;
using Thaw.Conformance.Servers;
using Thaw.Testing;
using Xunit;

namespace Thaw.Conformance;

/// <summary>
/// Real clients list and read a model of a real S3 server through a node; the second time the origin sends nothing.
/// </summary>
[Collection(RadosgwTests.Name)]
[Trait("Category", "Server")]
public sealed class ReadThroughTests(Radosgw origin)
{
    public static TheoryData<string> Clients => [.. S3Client.Names];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Without Thaw in between: what the other tests compare with is right.</summary>
    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Client_reads_the_origin_itself(string client)
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await model.AssertReadByAsync(
            S3Client.New(client, origin.Endpoint, origin.AccessKey, origin.SecretKey), model.Bucket, SampleModel.Prefix,
            Stop);
        Assert.Equal(model.TotalBytes, await origin.SentBytesAsync(model.Bucket, Stop));
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Client_reads_through_Thaw_and_again_without_the_origin(string client)
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [origin.Mount("models", model.Bucket)] }, Stop);
        var reader = S3Client.New(client, node.S3, "any", "any");

        await model.AssertReadByAsync(reader, "models", SampleModel.Prefix, Stop);
        var first = await node.GetStatsAsync(Stop);
        Assert.Equal(model.TotalBytes, first.Origin.Bytes);
        Assert.Equal(model.TotalBytes, await origin.SentBytesAsync(model.Bucket, Stop));

        await model.AssertReadByAsync(reader, "models", SampleModel.Prefix, Stop);
        var second = await node.GetStatsAsync(Stop);
        Assert.Equal(first.Origin.Bytes, second.Origin.Bytes);
        Assert.Equal(model.TotalBytes, await origin.SentBytesAsync(model.Bucket, Stop));
        Assert.Equal(model.TotalBytes, second.Served.S3.Local - first.Served.S3.Local);
    }

    [Fact]
    public async Task A_mount_below_a_prefix_shows_the_keys_below_it()
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [origin.Mount("llama", model.Bucket, SampleModel.Prefix)] }, Stop);
        await model.AssertReadByAsync(new AwsCli(node.S3, "any", "any"), "llama", "", Stop);
    }

    [Fact]
    public async Task Headers_are_as_at_the_origin()
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [origin.Mount("models", model.Bucket)] }, Stop);
        using var client = origin.NewClient(node.S3);
        foreach (var key in model.Keys)
        {
            var there = await origin.Client.GetObjectMetadataAsync(model.Bucket, key, Stop);
            var here = await client.GetObjectMetadataAsync("models", key, Stop);
            Assert.Equal(there.ETag, here.ETag);
            Assert.Equal(there.ContentLength, here.ContentLength);
            Assert.Equal(there.LastModified, here.LastModified);
            Assert.Equal(there.Headers.ContentType, here.Headers.ContentType);
            Assert.Equal(there.Metadata.Keys.Order(), here.Metadata.Keys.Order());
            Assert.All(there.Metadata.Keys, name => Assert.Equal(there.Metadata[name], here.Metadata[name]));
        }
    }

    [Fact]
    public async Task Ranges_are_as_at_the_origin()
    {
        var model = await SampleModel.PutAsync(origin, Stop);
        await using var node = await ThawProcess.StartAsync(
            new ThawSettings { Mounts = [origin.Mount("models", model.Bucket)] }, Stop);
        using var client = origin.NewClient(node.S3);
        foreach (var range in new[]
            { "bytes=0-0", "bytes=8388600-8388700", "bytes=-7", "bytes=20971000-", "bytes=262143-262144" })
            Assert.Equal(
                await ReadAsync(origin.Client, model.Bucket, range), await ReadAsync(client, "models", range));

        static async Task<(int Status, string Range, string Sum)> ReadAsync(
            AmazonS3Client from, string bucket, string range)
        {
            using var answer = await from.GetObjectAsync(
                new GetObjectRequest
                { BucketName = bucket, Key = SampleModel.LargeKey, ByteRange = new ByteRange(range) }, Stop);
            return ((int)answer.HttpStatusCode, answer.ContentRange,
                Convert.ToHexStringLower(await SHA256.HashDataAsync(answer.ResponseStream, Stop)));
        }
    }
}
