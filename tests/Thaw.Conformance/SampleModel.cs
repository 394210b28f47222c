using System.Collections.Immutable;
using System.Security.Cryptography;
using Amazon.S3.Model;
using Thaw.Conformance.Clients;
using Thaw.Conformance.Servers;
using Thaw.Testing;
using Xunit;

namespace Thaw.Conformance;

/// <summary>
/// A sharded model at an origin, with incompressible content and the sizes where mistakes live: nothing, one byte,
/// around a chunk, several chunks, an object uploaded in parts, a key that needs escaping.
/// </summary>
internal sealed class SampleModel
{
    /// <summary>All keys start with it.</summary>
    public const string Prefix = "llama/";

    /// <summary>Two whole chunks and a half, uploaded in three parts.</summary>
    public const string LargeKey = Prefix + "model-00001-of-00003.safetensors";

    private const int Chunk = 8 << 20;
    private const int PartBytes = 8 << 20;

    private static readonly ImmutableArray<(string Key, int Bytes)> Objects =
    [
        (LargeKey, 2 * Chunk + Chunk / 2 + 123),
        (Prefix + "model-00002-of-00003.safetensors", Chunk),
        (Prefix + "model-00003-of-00003.safetensors", Chunk + 1),
        (Prefix + "model.safetensors.index.json", 4321),
        (Prefix + "empty", 0),
        (Prefix + "notes/read me – first+last.txt", 1),
    ];

    private readonly ImmutableSortedDictionary<string, (long Bytes, string Sha256)> _objects;

    private SampleModel(string bucket, ImmutableSortedDictionary<string, (long Bytes, string Sha256)> objects) =>
        (Bucket, _objects) = (bucket, objects);

    /// <summary>Its bucket at the origin; nothing else is in it.</summary>
    public string Bucket { get; }

    /// <summary>Its keys, with <see cref="Prefix"/>.</summary>
    public IEnumerable<string> Keys => _objects.Keys;

    /// <summary>Size of all objects.</summary>
    public long TotalBytes => _objects.Values.Sum(item => item.Bytes);

    /// <summary>Puts a new one into a bucket of its own.</summary>
    public static async Task<SampleModel> PutAsync(Radosgw origin, CancellationToken cancellationToken)
    {
        var bucket = await origin.NewBucketAsync(cancellationToken);
        var sums = ImmutableSortedDictionary.CreateBuilder<string, (long, string)>(StringComparer.Ordinal);
        foreach (var (key, size) in Objects)
        {
            var bytes = RandomNumberGenerator.GetBytes(size);
            sums[key] = (size, Convert.ToHexStringLower(SHA256.HashData(bytes)));
            if (size > 2 * PartBytes)
                await PutPartsAsync(origin, bucket, key, bytes, cancellationToken);
            else
                await PutWholeAsync(origin, bucket, key, bytes, cancellationToken);
        }

        return new SampleModel(bucket, sums.ToImmutable());
    }

    /// <summary>
    /// A client lists and copies it; sizes and sums are those of the origin, and nothing else is there.
    /// </summary>
    /// <param name="client">The client, with its endpoint.</param>
    /// <param name="bucket">The bucket as it is called at that endpoint.</param>
    /// <param name="prefix">What the keys start with at that endpoint: <see cref="Prefix"/> or nothing.</param>
    public async Task AssertReadByAsync(
        S3Client client, string bucket, string prefix, CancellationToken cancellationToken)
    {
        var expected = _objects.ToDictionary(item => prefix + item.Key[Prefix.Length..], item => item.Value);
        var listed = await client.ListAsync(bucket, prefix, cancellationToken);
        Assert.Equal(
            expected.Select(item => $"{item.Key} {item.Value.Bytes}").Order(StringComparer.Ordinal),
            listed.Select(item => $"{item.Key} {item.Value}").Order(StringComparer.Ordinal));

        using var folder = new TempFolder();
        await client.DownloadAsync(bucket, prefix, folder.FullPath, cancellationToken);
        Assert.Equal(
            expected.Count, Directory.EnumerateFiles(folder.FullPath, "*", SearchOption.AllDirectories).Count());
        foreach (var (key, (_, sum)) in expected)
        {
            await using var file = File.OpenRead(folder[key[prefix.Length..]]);
            var actual = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
            Assert.True(
                sum == actual, $"{client.Name} got other bytes for {key}: sha256 {actual}, at the origin {sum}.");
        }
    }

    private static Task PutWholeAsync(
        Radosgw origin, string bucket, string key, byte[] bytes, CancellationToken cancellationToken)
    {
        var request = new PutObjectRequest
        {
            BucketName = bucket,
            Key = key,
            InputStream = new MemoryStream(bytes),
            ContentType = key.EndsWith(".json", StringComparison.Ordinal)
                ? "application/json"
                : "application/octet-stream",
            UseChunkEncoding = false,
        };
        request.Metadata["quantisation"] = "none";
        return origin.Client.PutObjectAsync(request, cancellationToken);
    }

    private static async Task PutPartsAsync(
        Radosgw origin, string bucket, string key, byte[] bytes, CancellationToken cancellationToken)
    {
        var upload = await origin.Client.InitiateMultipartUploadAsync(
            new InitiateMultipartUploadRequest
            { BucketName = bucket, Key = key, ContentType = "application/octet-stream" },
            cancellationToken);
        var parts = new List<PartETag>();
        for (var offset = 0; offset < bytes.Length; offset += PartBytes)
        {
            var length = Math.Min(PartBytes, bytes.Length - offset);
            var part = await origin.Client.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                    PartNumber = parts.Count + 1,
                    InputStream = new MemoryStream(bytes, offset, length),
                    PartSize = length,
                    UseChunkEncoding = false,
                },
                cancellationToken);
            parts.Add(new PartETag(parts.Count + 1, part.ETag));
        }

        await origin.Client.CompleteMultipartUploadAsync(
            new CompleteMultipartUploadRequest
            { BucketName = bucket, Key = key, UploadId = upload.UploadId, PartETags = parts },
            cancellationToken);
    }
}
