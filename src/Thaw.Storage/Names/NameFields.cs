using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
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
    private ReadOnlySpan<byte> _contentId;
    private ImmutableSortedDictionary<string, string>.Builder? _metadata;
    private int _metadataBytes;
    private string? _etag;
    private string? _contentType;
    private OriginSum? _sum;
    private long? _size;
    private DateTimeOffset? _lastModified;
    private bool _isWeak;

    public string Key { get; private set; }

    public DateTimeOffset? LastAsked { get; private set; }

    public DateTimeOffset? LastUsed { get; private set; }

    public ulong? VersionMark { get; private set; }

    public bool Pinned { get; private set; }

    /// <summary>Reads a record's body; false if a field is longer than it may be or makes no sense.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out NameFields fields)
    {
        fields = new NameFields { Key = "" };
        while (body.Length >= 3 && body[0] != (byte)NameField.End)
        {
            var tag = (NameField)body[0];
            int length = BinaryPrimitives.ReadUInt16LittleEndian(body[1..]);
            if (body.Length < 3 + length || !fields.Take(tag, body.Slice(3, length)))
                return false;
            body = body[(3 + length)..];
        }

        return fields.Key.Length > 0;
    }

    /// <summary>The entry of a put record; false if a field that every put has is missing.</summary>
    public readonly bool TryGetEntry([NotNullWhen(true)] out NameEntry? entry)
    {
        entry = null;
        if (_contentId.IsEmpty || _size is not { } size || _etag is null || _lastModified is not { } lastModified
            || LastAsked is not { } lastAsked)
            return false;
        var version = new ObjectVersion
        {
            Id = ContentId.FromBytes(_contentId),
            SizeBytes = size,
            ETag = _etag,
            LastModified = lastModified,
            ContentType = _contentType,
            Metadata = _metadata?.ToImmutable() ?? ImmutableSortedDictionary<string, string>.Empty,
            Sum = _sum,
            IsWeak = _isWeak,
        };
        entry = new NameEntry
        {
            Key = Key,
            Version = version,
            LastAsked = lastAsked,
            LastUsed = LastUsed,
            Pinned = Pinned,
        };
        return true;
    }

    private bool Take(NameField tag, ReadOnlySpan<byte> value)
    {
        switch (tag)
        {
            case NameField.Key:
                Key = Text(value, Limits.KeyBytes) ?? "";
                return Key.Length > 0;
            case NameField.ContentId:
                _contentId = value;
                return value.Length == ContentId.Length;
            case NameField.Size:
                _size = Number(value);
                return _size >= 0;
            case NameField.ETag:
                return (_etag = Text(value, NameRecord.TextBytes)) is not null;
            case NameField.LastModified:
                return (_lastModified = Time(value)) is not null;
            case NameField.ContentType:
                return (_contentType = Text(value, NameRecord.TextBytes)) is not null;
            case NameField.Metadata:
                return TakePair(value);
            case NameField.Sum:
                return TakeSum(value);
            case NameField.Weak:
                return _isWeak = true;
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

    private bool TakePair(ReadOnlySpan<byte> value)
    {
        if (value.Length < sizeof(ushort))
            return false;
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(value);
        var pair = value[sizeof(ushort)..];
        _metadataBytes += pair.Length;
        if (nameLength > pair.Length || _metadataBytes > Limits.MetadataBytes
            || Text(pair[..nameLength], Limits.MetadataBytes) is not { } name
            || Text(pair[nameLength..], Limits.MetadataBytes) is not { } text)
            return false;
        _metadata ??= ImmutableSortedDictionary.CreateBuilder<string, string>();
        _metadata[name] = text;
        return true;
    }

    private bool TakeSum(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || !NameRecord.IsSum((SumKind)value[0], value.Length - 1))
            return false;
        _sum = new OriginSum((SumKind)value[0], [.. value[1..]]);
        return true;
    }

    private static string? Text(ReadOnlySpan<byte> value, int mostBytes) =>
        value.Length <= mostBytes && Utf8.IsValid(value) ? Encoding.UTF8.GetString(value) : null;

    private static long? Number(ReadOnlySpan<byte> value) =>
        value.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(value) : null;

    private static DateTimeOffset? Time(ReadOnlySpan<byte> value) =>
        Number(value) is { } ticks && ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : null;
}
