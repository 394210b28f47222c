using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Thaw.Core.Checksums;
using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>
/// One name as it is kept in memory: one array, a third of what an entry with its version and texts takes, of which a
/// node has hundreds of thousands.
/// <code>
///  0  last asked, ticks, i64    16  1 if pinned, u8          20  key, UTF-8
///  8  last used, i64, or -1     18  length of the key, u16   ..  the version's fields as a put record has them
/// </code>
/// <para>Invariants: key and version never change; the ContentId is the first field of the version and the size the
/// second. Times and pin change in place, each by itself, under the gate of <see cref="NameState"/>; readers take no
/// lock and may see one of them before another.</para>
/// </summary>
internal readonly record struct PackedName(byte[] Bytes)
{
    private const int UsedOffset = 8;
    private const int PinOffset = 16;
    private const int KeyLengthOffset = 18;
    private const int KeyOffset = 20;
    private const int FieldHeaderBytes = 3;
    private const long Never = -1;

    public ReadOnlySpan<byte> Key => Bytes.AsSpan(KeyOffset, KeyLength);

    public string KeyText => Encoding.UTF8.GetString(Key);

    /// <summary>The version's fields as a put record has them.</summary>
    public ReadOnlySpan<byte> VersionFields => Bytes.AsSpan(KeyOffset + KeyLength);

    public ContentId Content => ContentId.FromBytes(VersionFields.Slice(FieldHeaderBytes, ContentId.Length));

    /// <summary>CRC-64/NVME of the version's fields: what a touch record names the version by.</summary>
    public ulong VersionMark => Crc64Nvme.Compute(VersionFields);

    public DateTimeOffset LastAsked
    {
        get => new(Volatile.Read(ref Time(0)), TimeSpan.Zero);
        set => Volatile.Write(ref Time(0), value.UtcTicks);
    }

    public DateTimeOffset? LastUsed
    {
        get => Volatile.Read(ref Time(UsedOffset)) is var ticks and not Never
            ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        set => Volatile.Write(ref Time(UsedOffset), value?.UtcTicks ?? Never);
    }

    public bool Pinned
    {
        get => Volatile.Read(ref Bytes[PinOffset]) != 0;
        set => Volatile.Write(ref Bytes[PinOffset], value ? (byte)1 : (byte)0);
    }

    private int KeyLength => BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(KeyLengthOffset));

    public static PackedName Of(NameEntry entry)
    {
        var keyLength = Encoding.UTF8.GetByteCount(entry.Key);
        var fields = NameRecord.VersionLength(entry.Version);
        var name = Make(keyLength, fields, entry.LastAsked, entry.LastUsed, entry.Pinned);
        Encoding.UTF8.GetBytes(entry.Key, name.Bytes.AsSpan(KeyOffset));
        NameRecord.WriteVersion(name.Bytes.AsSpan(KeyOffset + keyLength), entry.Version);
        return name;
    }

    /// <summary>A name whose key and version fields are still to be written.</summary>
    public static PackedName Make(
        int keyBytes, int fieldBytes, DateTimeOffset asked, DateTimeOffset? used, bool pinned)
    {
        var name = new PackedName(new byte[KeyOffset + keyBytes + fieldBytes])
        {
            LastAsked = asked,
            LastUsed = used,
            Pinned = pinned,
        };
        BinaryPrimitives.WriteUInt16LittleEndian(name.Bytes.AsSpan(KeyLengthOffset), checked((ushort)keyBytes));
        return name;
    }

    /// <summary>Where the key and the version fields of a name that was just made go.</summary>
    public Span<byte> Texts => Bytes.AsSpan(KeyOffset);

    /// <summary>Takes over times and pin.</summary>
    public void Follow(PackedName other) =>
        (LastAsked, LastUsed, Pinned) = (other.LastAsked, other.LastUsed, other.Pinned);

    public ObjectVersion ToVersion() => NameFields.ReadVersion(VersionFields);

    public NameEntry ToEntry() => ToEntry(KeyText, ToVersion());

    public NameEntry ToEntry(string key, ObjectVersion version) => new()
    {
        Key = key,
        Version = version,
        LastAsked = LastAsked,
        LastUsed = LastUsed,
        Pinned = Pinned,
    };

    // The first byte of an array lies at a multiple of eight, so these are read and written whole.
    private ref long Time(int offset) => ref Unsafe.As<byte, long>(ref Bytes[offset]);
}
