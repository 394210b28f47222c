using System.Buffers.Binary;
using Thaw.Core.Checksums;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;

namespace Thaw.Storage.Eviction;

/// <summary>
/// What a run tells the next one of warmth: the file <c>heat</c> of a cache directory, replaced whole. A hint and
/// nothing else: without it, or if it does not check, every version begins anew, with the order in which the maps were
/// written.
/// <code>
///   0  magic "THAWHEAT"     16  used bytes, i64             40  records
///   8  format, u32          24  capacities read, f64        end  CRC-32C of all before
///  12  rule, u32            32  number of records, i64
/// record: ContentId, 32 bytes; size, i64; read since the last whole use, i64; last used, i64; four warmths, f64
/// </code>
/// </summary>
internal sealed class HeatNotes
{
    private const uint Format = 1;
    private const int HeaderBytes = 40;
    private const int RecordBytes = ContentId.Length + 24 + 32;

    private readonly byte[] _content;

    private HeatNotes(byte[] content) => _content = content;

    /// <summary>Bytes that the run had.</summary>
    public long Bytes => BinaryPrimitives.ReadInt64LittleEndian(_content.AsSpan(16));

    private static ReadOnlySpan<byte> Magic => "THAWHEAT"u8;

    public static string PathIn(string root) => Path.Combine(root, "heat");

    /// <summary>What there is to say now.</summary>
    public static HeatNotes Of(HeatOrder order, Accounts accounts)
    {
        var here = accounts.All.ToArray();
        var gone = order.Gone.ToArray();
        var content = new byte[HeaderBytes + (here.Length + gone.Length) * RecordBytes + sizeof(uint)];
        Magic.CopyTo(content);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(8), Format);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(12), (uint)order.Rule);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(16), accounts.Bytes);
        BinaryPrimitives.WriteDoubleLittleEndian(content.AsSpan(24), order.Turns);
        BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(32), here.Length + gone.Length);
        var at = HeaderBytes;
        foreach (var account in here)
            Write(content.AsSpan(at..(at += RecordBytes)), account, account.LastUsed);
        foreach (var version in gone)
            Write(content.AsSpan(at..(at += RecordBytes)), version, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(at), Crc32C.Compute(content.AsSpan(0, at)));
        return new HeatNotes(content);
    }

    /// <summary>The last run's notes; null if there are none or they do not check.</summary>
    public static HeatNotes? TryRead(FileSystem files, string root)
    {
        if (!files.Exists(PathIn(root)))
            return null;
        using var file = files.Open(PathIn(root), FileMode.Open);
        if (file.Length is < HeaderBytes + sizeof(uint) or > int.MaxValue)
            return null;
        var content = new byte[file.Length];
        if (file.Read(content, 0) != content.Length || !content.AsSpan().StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(8)) != Format
            || BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(12)) >= HeatRule.All.Length
            || BinaryPrimitives.ReadInt64LittleEndian(content.AsSpan(32)) * RecordBytes
                != content.Length - HeaderBytes - sizeof(uint)
            || BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(content.Length - sizeof(uint)))
                != Crc32C.Compute(content.AsSpan(0, content.Length - sizeof(uint))))
            return null;
        return new HeatNotes(content);
    }

    /// <summary>Replaces the file, whole or not at all.</summary>
    public void Write(FileSystem files, string root)
    {
        var temporary = PathIn(root) + ".new";
        using (var file = files.Open(temporary, FileMode.Create))
        {
            file.Write(_content, 0);
            file.Sync();
        }

        files.Replace(temporary, PathIn(root));
    }

    /// <summary>Enters what the run knew, and when each version was last used.</summary>
    public void ApplyTo(HeatOrder order, Dictionary<ContentId, long> lastUsed)
    {
        order.Restore(
            BinaryPrimitives.ReadDoubleLittleEndian(_content.AsSpan(24)),
            (int)BinaryPrimitives.ReadUInt32LittleEndian(_content.AsSpan(12)));
        for (var at = HeaderBytes; at < _content.Length - sizeof(uint); at += RecordBytes)
        {
            var record = _content.AsSpan(at, RecordBytes);
            var id = ContentId.FromBytes(record[..ContentId.Length]);
            var rest = record[ContentId.Length..];
            var version = new VersionHeat(id, BinaryPrimitives.ReadInt64LittleEndian(rest))
            {
                ReadBytes = BinaryPrimitives.ReadInt64LittleEndian(rest[8..]),
            };
            for (var rule = 0; rule < version.Warmths.Length; rule++)
                version.Warmths[rule] = BinaryPrimitives.ReadDoubleLittleEndian(rest[(24 + rule * sizeof(double))..]);
            order.Restore(version);
            if (BinaryPrimitives.ReadInt64LittleEndian(rest[16..]) is var used and not 0)
                lastUsed[id] = used;
        }
    }

    private static void Write(Span<byte> record, VersionHeat version, long lastUsed)
    {
        version.Id.CopyTo(record);
        var rest = record[ContentId.Length..];
        BinaryPrimitives.WriteInt64LittleEndian(rest, version.SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], version.ReadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(rest[16..], lastUsed);
        for (var rule = 0; rule < version.Warmths.Length; rule++)
            BinaryPrimitives.WriteDoubleLittleEndian(rest[(24 + rule * sizeof(double))..], version.Warmths[rule]);
    }
}
