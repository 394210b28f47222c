using System.Buffers.Binary;
using Thaw.Core.Identity;

namespace Thaw.Core.Placing;

/// <summary>What is placed: 128 uniform bits. Equal on all nodes.</summary>
public readonly record struct PlacementKey(ulong Low, ulong High)
{
    /// <summary>Versions beyond this size place <see cref="SpanChunks"/> adjacent chunks together.</summary>
    public const long SpanFromBytes = 4L << 30;

    /// <summary>Chunks of a span: 32 MiB that one owner reads in a row, at its origin and from its disk.</summary>
    public const int SpanChunks = 4;

    /// <summary>The key of a chunk of a version.</summary>
    public static PlacementKey OfChunk(ContentId id, long sizeBytes, int chunk)
    {
        var key = Of(id);
        var place = (ulong)(sizeBytes > SpanFromBytes ? chunk / SpanChunks : chunk);
        return key with { Low = Mixing.Mix(key.Low ^ Mixing.Mix(place)) };
    }

    /// <summary>The key by which the home of an object's name is found.</summary>
    /// <param name="store">Scheme, endpoint host and bucket, as every node calls them.</param>
    /// <param name="key">Full key at the origin.</param>
    public static PlacementKey OfName(string store, string key) => Of(ContentId.Derive("home", store, key));

    private static PlacementKey Of(ContentId id)
    {
        Span<byte> bytes = stackalloc byte[ContentId.Length];
        id.CopyTo(bytes);
        return new PlacementKey(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
    }
}
