using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Thaw.Testing;

/// <summary>Full-object sums that a fake origin can publish.</summary>
public enum FakeSum
{
    /// <summary>None.</summary>
    None,

    /// <summary>CRC-32C of the full object.</summary>
    Crc32C,

    /// <summary>SHA-256 of the full object.</summary>
    Sha256,

    /// <summary>A composite CRC-32C, <c>-2</c>.</summary>
    CompositeCrc32C,
}

/// <summary>What an object says of itself.</summary>
public sealed record FakeObjectOptions
{
    /// <summary>Entity tag with quotes; null: the MD5 of given bytes, a new multipart tag for generated ones.</summary>
    public string? ETag { get; init; }

    /// <summary>Media type.</summary>
    public string ContentType { get; init; } = "binary/octet-stream";

    /// <summary>User metadata without <c>x-amz-meta-</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Further headers of HEAD and GET.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Sum that is published where it is asked for.</summary>
    public FakeSum Sum { get; init; }

    /// <summary>The sum in base64; null: the right one, which costs a pass over the content.</summary>
    public string? SumValue { get; init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset LastModified { get; init; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
}

/// <summary>An object of a <see cref="FaultyOrigin"/>; replaced, never changed.</summary>
public sealed record FakeObject(string Bucket, string Key, FakeContent Content, FakeObjectOptions Options, string ETag)
{
    private static int _generated;

    /// <summary>Headers of the published sum.</summary>
    public IReadOnlyList<(string Name, string Value)> SumHeaders { get; private init; } = [];

    internal static FakeObject Of(string bucket, string key, FakeContent content, FakeObjectOptions options)
    {
        var etag = options.ETag ?? (content.IsPlain
            ? $"\"{Convert.ToHexStringLower(content.HashAll(HashAlgorithmName.MD5))}\""
            : $"\"{Interlocked.Increment(ref _generated):x32}-2\"");
        return new FakeObject(bucket, key, content, options, etag) { SumHeaders = SumHeadersOf(content, options) };
    }

    private static IReadOnlyList<(string, string)> SumHeadersOf(FakeContent content, FakeObjectOptions options) =>
        options.Sum switch
        {
            FakeSum.Crc32C => [("x-amz-checksum-crc32c", options.SumValue ?? Crc32COf(content)),
                ("x-amz-checksum-type", "FULL_OBJECT")],
            FakeSum.CompositeCrc32C =>
                [("x-amz-checksum-crc32c", (options.SumValue ?? Crc32COf(content)) + "-2"),
                    ("x-amz-checksum-type", "COMPOSITE")],
            FakeSum.Sha256 =>
            [
                ("x-amz-checksum-sha256",
                    options.SumValue ?? Convert.ToBase64String(content.HashAll(HashAlgorithmName.SHA256))),
                ("x-amz-checksum-type", "FULL_OBJECT"),
            ],
            _ => [],
        };

    private static string Crc32COf(FakeContent content)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, content.ComputeCrc32C());
        return Convert.ToBase64String(bytes);
    }
}
