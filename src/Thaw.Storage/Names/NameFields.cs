using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Thaw.Core;
using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>
/// The fields of one record whose CRC is right. Every length is still checked against its limit: a CRC says that the
/// bytes are those that were written, not that a sane program wrote them.
/// </summary>
internal ref struct NameFields
{
    private readonly ReadOnlySpan<byte> _body;
    private ReadOnlySpan<byte> _contentId;
    private int _metadataBytes;
    private int _otherBytes;
    private long? _size;
    private bool _hasETag;
    private bool _hasLastModified;

    private NameFields(ReadOnlySpan<byte> body) => _body = body;

    /// <summary>The key, UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; private set; }

    public DateTimeOffset? LastAsked { get; private set; }

    public DateTimeOffset? LastUsed { get; private set; }

    public ulong? VersionMark { get; private set; }

    public bool Pinned { get; private set; }

    /// <summary>Reads a record's body; false if a field is longer than it may be or makes no sense.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out NameFields fields)
    {
        fields = new NameFields(body);
        var reader = new NameFieldReader(body);
        while (reader.MoveNext())
            if (!fields.Take(reader))
                return false;
        return !reader.IsCut && !fields.Key.IsEmpty;
    }

    /// <summary>The name of a put record; false if a field that every put has is missing.</summary>
    public readonly bool TryPack(out PackedName name)
    {
        name = default;
        if (_contentId.IsEmpty || _size is not { } size || !_hasETag || !_hasLastModified
            || LastAsked is not { } lastAsked)
            return false;
        name = PackedName.Make(Key.Length, NameRecord.IdentityBytes + _otherBytes, lastAsked, LastUsed, Pinned);
        var texts = name.Texts;
        Key.CopyTo(texts);
        var writer = new NameFieldWriter(texts[Key.Length..]);
        NameRecord.WriteIdentity(ref writer, ContentId.FromBytes(_contentId), size);
        var rest = texts[(Key.Length + NameRecord.IdentityBytes)..];
        var reader = new NameFieldReader(_body);
        while (reader.MoveNext())
        {
            if (!IsOfVersion(reader.Tag))
                continue;
            reader.Whole.CopyTo(rest);
            rest = rest[reader.Whole.Length..];
        }

        return true;
    }

    /// <summary>The version of fields that were checked before.</summary>
    public static ObjectVersion ReadVersion(ReadOnlySpan<byte> fields)
    {
        var (id, size, lastModified, etag, isWeak) = (default(ContentId), 0L, default(DateTimeOffset), "", false);
        string? contentType = null;
        OriginSum? sum = null;
        ImmutableSortedDictionary<string, string>.Builder? metadata = null;
        var reader = new NameFieldReader(fields);
        while (reader.MoveNext())
        {
            var value = reader.Value;
            switch (reader.Tag)
            {
                case NameField.ContentId: id = ContentId.FromBytes(value); break;
                case NameField.Size: size = Number(value)!.Value; break;
                case NameField.ETag: etag = Encoding.UTF8.GetString(value); break;
                case NameField.LastModified: lastModified = Time(value)!.Value; break;
                case NameField.ContentType: contentType = Encoding.UTF8.GetString(value); break;
                case NameField.Sum: sum = new OriginSum((SumKind)value[0], [.. value[1..]]); break;
                case NameField.Weak: isWeak = true; break;
                case NameField.Metadata:
                    var split = sizeof(ushort) + BinaryPrimitives.ReadUInt16LittleEndian(value);
                    metadata ??= ImmutableSortedDictionary.CreateBuilder<string, string>();
                    metadata[Encoding.UTF8.GetString(value[sizeof(ushort)..split])] =
                        Encoding.UTF8.GetString(value[split..]);
                    break;
                default: break;
            }
        }

        return new ObjectVersion
        {
            Id = id,
            SizeBytes = size,
            ETag = etag,
            LastModified = lastModified,
            ContentType = contentType,
            Metadata = metadata?.ToImmutable() ?? ImmutableSortedDictionary<string, string>.Empty,
            Sum = sum,
            IsWeak = isWeak,
        };
    }

    private static bool IsOfVersion(NameField tag) => tag is NameField.ETag or NameField.LastModified
        or NameField.ContentType or NameField.Metadata or NameField.Sum or NameField.Weak;

    private bool Take(NameFieldReader field)
    {
        var value = field.Value;
        if (IsOfVersion(field.Tag))
            _otherBytes += field.Whole.Length;
        switch (field.Tag)
        {
            case NameField.Key:
                Key = value;
                return value.Length > 0 && IsText(value, Limits.KeyBytes);
            case NameField.ContentId:
                _contentId = value;
                return value.Length == ContentId.Length;
            case NameField.Size:
                _size = Number(value);
                return _size >= 0;
            case NameField.ETag:
                return _hasETag = IsText(value, NameRecord.TextBytes);
            case NameField.LastModified:
                return _hasLastModified = Time(value) is not null;
            case NameField.ContentType:
                return IsText(value, NameRecord.TextBytes);
            case NameField.Metadata:
                return IsPair(value);
            case NameField.Sum:
                return !value.IsEmpty && NameRecord.IsSum((SumKind)value[0], value.Length - 1);
            case NameField.LastAsked:
                return (LastAsked = Time(value)) is not null;
            case NameField.LastUsed:
                return (LastUsed = Time(value)) is not null;
            case NameField.Pinned:
                return Pinned = true;
            case NameField.VersionMark:
                return (VersionMark = unchecked((ulong?)Number(value))) is not null;
            default:
                return true;
        }
    }

    private bool IsPair(ReadOnlySpan<byte> value)
    {
        if (value.Length < sizeof(ushort))
            return false;
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(value);
        var pair = value[sizeof(ushort)..];
        _metadataBytes += pair.Length;
        return nameLength <= pair.Length && _metadataBytes <= Limits.MetadataBytes
            && Utf8.IsValid(pair[..nameLength]) && Utf8.IsValid(pair[nameLength..]);
    }

    private static bool IsText(ReadOnlySpan<byte> value, int mostBytes) =>
        value.Length <= mostBytes && Utf8.IsValid(value);

    private static long? Number(ReadOnlySpan<byte> value) =>
        value.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(value) : null;

    private static DateTimeOffset? Time(ReadOnlySpan<byte> value) =>
        Number(value) is { } ticks && ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : null;
}
