using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Places and versions between nodes.</summary>
internal static class VersionCodec
{
    public static void Write(FieldWriter fields, PeerPlace place) => fields.Text(1, place.Origin).Text(2, place.Key);

    public static PeerPlace? TryReadPlace(ReadOnlySpan<byte> bytes)
    {
        string? origin = null, key = null;
        var fields = new FieldReader(bytes);
        while (fields.Next())
        {
            if (fields.Tag == 1)
                origin = fields.Text();
            else if (fields.Tag == 2)
                key = fields.Text();
        }

        return fields.IsBroken || origin is null || key is null ? null : new PeerPlace(origin, key);
    }

    /// <param name="fields">Where to.</param>
    /// <param name="version">The version.</param>
    /// <param name="isWhole">With what only readers see: Content-Type and metadata.</param>
    public static void Write(FieldWriter fields, ObjectVersion version, bool isWhole)
    {
        version.Id.CopyTo(fields.Start(1, ContentId.Length));
        fields.Int64(2, version.SizeBytes).Text(3, version.ETag).Int64(4, version.LastModified.UtcTicks);
        if (version.Sum is { } sum)
        {
            var value = fields.Start(5, 1 + sum.Value.Length);
            value[0] = (byte)sum.Kind;
            sum.Value.CopyTo(value[1..]);
        }

        if (version.IsWeak)
            fields.Byte(6, 1);
        if (!isWhole)
            return;
        if (version.ContentType is { } type)
            fields.Text(7, type);
        foreach (var (name, value) in version.Metadata)
        {
            var nameBytes = Encoding.UTF8.GetByteCount(name);
            var pair = fields.Start(8, sizeof(ushort) + nameBytes + Encoding.UTF8.GetByteCount(value));
            BinaryPrimitives.WriteUInt16LittleEndian(pair, checked((ushort)nameBytes));
            Encoding.UTF8.GetBytes(name, pair[sizeof(ushort)..]);
            Encoding.UTF8.GetBytes(value, pair[(sizeof(ushort) + nameBytes)..]);
        }
    }

    public static ObjectVersion? TryRead(ReadOnlySpan<byte> bytes)
    {
        var (id, size, modified, weak) = (default(ContentId?), -1L, default(DateTimeOffset), false);
        var (etag, type, sum) = (default(string), default(string), default(OriginSum));
        var metadata = ImmutableSortedDictionary.CreateBuilder<string, string>();
        var fields = new FieldReader(bytes);
        while (fields.Next())
            switch (fields.Tag)
            {
                case 1: id = fields.Id(); break;
                case 2: size = fields.Int64(); break;
                case 3: etag = fields.Text(); break;
                case 4: modified = fields.Time(); break;
                case 5: sum = Sum(ref fields); break;
                case 6: weak = fields.Byte() != 0; break;
                case 7: type = fields.Text(); break;
                case 8: AddMetadata(ref fields, metadata); break;
            }

        if (fields.IsBroken || id is null || size < 0 || etag is null)
            return null;
        return new ObjectVersion
        {
            Id = id.Value,
            SizeBytes = size,
            ETag = etag,
            LastModified = modified,
            ContentType = type,
            Sum = sum,
            IsWeak = weak,
            Metadata = metadata.ToImmutable(),
        };
    }

    private static OriginSum? Sum(ref FieldReader fields)
    {
        if (fields.Value is [var kind, .. var value] && OriginSum.LengthOf((SumKind)kind) is > 0 and var length
            && value.Length == length)
            return new OriginSum((SumKind)kind, [.. value]);
        fields.Break();
        return null;
    }

    private static void AddMetadata(ref FieldReader fields, ImmutableSortedDictionary<string, string>.Builder metadata)
    {
        var pair = fields.Value;
        if (pair.Length < sizeof(ushort)
            || BinaryPrimitives.ReadUInt16LittleEndian(pair) is var length && length > pair.Length - sizeof(ushort)
            || !System.Text.Unicode.Utf8.IsValid(pair[sizeof(ushort)..]))
        {
            fields.Break();
            return;
        }

        metadata[Encoding.UTF8.GetString(pair.Slice(sizeof(ushort), length))] =
            Encoding.UTF8.GetString(pair[(sizeof(ushort) + length)..]);
    }
}
