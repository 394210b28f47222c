using System.Buffers.Binary;
using System.Text;
using Thaw.Core;
using Thaw.Core.Checksums;
using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>Kinds of records of the names log. Numbers are part of format 1.</summary>
internal enum NameRecordType : byte
{
    Put = 1,
    Remove = 2,
    Touch = 3,
    Pin = 4,
}

/// <summary>Tags of a record's fields. Numbers are part of format 1; a reader skips those it does not know.</summary>
internal enum NameField : byte
{
    End = 0,
    Key = 1,
    ContentId = 2,
    Size = 3,
    ETag = 4,
    LastModified = 5,
    ContentType = 6,
    Metadata = 7,
    Sum = 8,
    Weak = 9,
    LastAsked = 10,
    LastUsed = 11,
    Pinned = 12,
    VersionMark = 13,
}

/// <summary>
/// Writes the records of the names log, format 1 (`docs/internals/names-log.md` gives them byte by byte).
/// A record is: u32 length of the body, u32 CRC-32C, u8 type, 3 zero bytes, body. The body is fields (u8 tag, u16
/// length, value), then zeros up to a record length that is a multiple of 8. All numbers are little-endian.
/// </summary>
internal static class NameRecord
{
    public const int HeaderBytes = 12;
    public const int AlignBytes = 8;
    public const int CrcOffset = 4;
    public const int TypeOffset = 8;

    /// <summary>Longest ETag and longest media type, in UTF-8 bytes: as long as the longest key.</summary>
    public const int TextBytes = Limits.KeyBytes;

    /// <summary>Longest body: twice what the longest key, texts and metadata in few pieces need.</summary>
    public const int MostBodyBytes = 32 << 10;

    /// <summary>Longest record.</summary>
    public const int MostBytes = HeaderBytes + MostBodyBytes + AlignBytes;

    /// <summary>Length of the two fields that every version begins with: ContentId and size.</summary>
    public const int IdentityBytes = 2 * FieldHeaderBytes + ContentId.Length + sizeof(long);

    private const int FieldHeaderBytes = 3;

    /// <summary>Whether an entry can be logged: well-formed texts within their limits.</summary>
    public static bool Fits(NameEntry entry)
    {
        var version = entry.Version;
        var metadata = 0;
        foreach (var (name, value) in version.Metadata)
        {
            if (!IsText(name, Limits.MetadataBytes) || !IsText(value, Limits.MetadataBytes))
                return false;
            metadata += Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(value);
        }

        return entry.Key.Length > 0 && IsText(entry.Key, Limits.KeyBytes) && IsText(version.ETag, TextBytes)
            && IsText(version.ContentType ?? "", TextBytes) && metadata <= Limits.MetadataBytes
            && version.SizeBytes >= 0
            && (version.Sum is not { } sum || IsSum(sum.Kind, sum.Value.Length))
            && PutLength(Encoding.UTF8.GetByteCount(entry.Key), VersionLength(version), true, true) <= MostBodyBytes;
    }

    /// <summary>Whether a sum has a known kind and its kind's length.</summary>
    public static bool IsSum(SumKind kind, int length) =>
        kind != SumKind.None && length == OriginSum.LengthOf(kind) && length > 0;

    /// <summary>Length in bytes of a name's put record.</summary>
    public static int PutLength(PackedName name) => PutLength(
        name.Key.Length, name.VersionFields.Length, name.LastUsed is not null, name.Pinned);

    /// <summary>Length in bytes of a version's fields.</summary>
    public static int VersionLength(ObjectVersion version)
    {
        var length = IdentityBytes + Field(version.ETag) + FieldHeaderBytes + sizeof(long);
        if (version.ContentType is not null)
            length += Field(version.ContentType);
        foreach (var (name, value) in version.Metadata)
            length += FieldHeaderBytes + sizeof(ushort) + Encoding.UTF8.GetByteCount(name)
                + Encoding.UTF8.GetByteCount(value);
        if (version.Sum is { } sum)
            length += FieldHeaderBytes + 1 + sum.Value.Length;
        if (version.IsWeak)
            length += FieldHeaderBytes;
        return length;

        static int Field(string text) => FieldHeaderBytes + Encoding.UTF8.GetByteCount(text);
    }

    /// <summary>Writes the whole name; returns the record's length.</summary>
    public static int WritePut(Span<byte> target, uint seed, PackedName name)
    {
        var writer = new NameFieldWriter(target[HeaderBytes..]);
        writer.Text(NameField.Key, name.Key);
        writer.Fields(name.VersionFields);
        WriteTimes(ref writer, name);
        if (name.Pinned)
            writer.Flag(NameField.Pinned);
        return Finish(target, seed, NameRecordType.Put, writer.Length);
    }

    /// <summary>Writes that a key is known no more.</summary>
    public static int WriteRemove(Span<byte> target, uint seed, string key)
    {
        var writer = new NameFieldWriter(target[HeaderBytes..]);
        writer.Text(NameField.Key, key);
        return Finish(target, seed, NameRecordType.Remove, writer.Length);
    }

    /// <summary>
    /// Writes the name's times, and for which version they hold: if the put of a newer version is lost, a touch of that
    /// one must not confirm the older.
    /// </summary>
    public static int WriteTouch(Span<byte> target, uint seed, PackedName name)
    {
        var writer = new NameFieldWriter(target[HeaderBytes..]);
        writer.Text(NameField.Key, name.Key);
        writer.Number(NameField.VersionMark, unchecked((long)name.VersionMark));
        WriteTimes(ref writer, name);
        return Finish(target, seed, NameRecordType.Touch, writer.Length);
    }

    /// <summary>Writes the name's pin: the field is there or not.</summary>
    public static int WritePin(Span<byte> target, uint seed, PackedName name)
    {
        var writer = new NameFieldWriter(target[HeaderBytes..]);
        writer.Text(NameField.Key, name.Key);
        if (name.Pinned)
            writer.Flag(NameField.Pinned);
        return Finish(target, seed, NameRecordType.Pin, writer.Length);
    }

    /// <summary>Writes a version's fields.</summary>
    public static void WriteVersion(Span<byte> target, ObjectVersion version)
    {
        var writer = new NameFieldWriter(target);
        WriteIdentity(ref writer, version.Id, version.SizeBytes);
        writer.Text(NameField.ETag, version.ETag);
        writer.Number(NameField.LastModified, version.LastModified.UtcTicks);
        if (version.ContentType is { } contentType)
            writer.Text(NameField.ContentType, contentType);
        foreach (var (name, value) in version.Metadata)
            writer.Pair(NameField.Metadata, name, value);
        if (version.Sum is { } sum)
        {
            var bytes = writer.Value(NameField.Sum, 1 + sum.Value.Length);
            bytes[0] = (byte)sum.Kind;
            sum.Value.AsSpan().CopyTo(bytes[1..]);
        }

        if (version.IsWeak)
            writer.Flag(NameField.Weak);
    }

    /// <summary>Writes the two fields that every version begins with.</summary>
    public static void WriteIdentity(ref NameFieldWriter writer, ContentId id, long sizeBytes)
    {
        id.CopyTo(writer.Value(NameField.ContentId, ContentId.Length));
        writer.Number(NameField.Size, sizeBytes);
    }

    private static int PutLength(int keyBytes, int versionBytes, bool isUsed, bool isPinned) => Align(
        HeaderBytes + FieldHeaderBytes + keyBytes + versionBytes + (isUsed ? 2 : 1) * (FieldHeaderBytes + sizeof(long))
        + (isPinned ? FieldHeaderBytes : 0));

    private static void WriteTimes(ref NameFieldWriter writer, PackedName name)
    {
        writer.Number(NameField.LastAsked, name.LastAsked.UtcTicks);
        if (name.LastUsed is { } used)
            writer.Number(NameField.LastUsed, used.UtcTicks);
    }

    private static int Finish(Span<byte> target, uint seed, NameRecordType type, int bodyLength)
    {
        var length = Align(HeaderBytes + bodyLength);
        var record = target[..length];
        record[(HeaderBytes + bodyLength)..].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(record, length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[TypeOffset..], (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(record[CrcOffset..], Crc(record, seed));
        return length;
    }

    /// <summary>CRC-32C of a record without its CRC field, going on from the seed of its place.</summary>
    public static uint Crc(ReadOnlySpan<byte> record, uint seed) =>
        Crc32C.Append(Crc32C.Append(seed, record[..CrcOffset]), record[TypeOffset..]);

    private static int Align(int length) => (length + AlignBytes - 1) & -AlignBytes;

    private static bool IsText(string text, int mostBytes)
    {
        if (text.Length > mostBytes)
            return false;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            var surrogate = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (surrogate < 0)
                break;
            if (Rune.DecodeFromUtf16(rest[surrogate..], out _, out _) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[(surrogate + 2)..];
        }

        return Encoding.UTF8.GetByteCount(text) <= mostBytes;
    }
}
