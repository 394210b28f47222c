using System.Buffers.Binary;
using Thaw.Core.Checksums;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Memory;

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
/// <para>Kept as the file has it, outside the collected heap: each record becomes an object when it is taken. One
/// caller at a time.</para>
/// </summary>
internal sealed class HeatNotes : IDisposable
{
    private const uint Format = 1;
    private const int HeaderBytes = 40;
    private const int RecordBytes = ContentId.Length + 24 + 32;

    private readonly NativeBytes _content;

    // By the first bits of the id: the record's number from 1 on, 0 for none, minus the number when it is taken.
    private int[] _places = [];

    private HeatNotes(NativeBytes content) => _content = content;

    /// <summary>Bytes that the run had.</summary>
    public long Bytes => BinaryPrimitives.ReadInt64LittleEndian(_content.Span[16..]);

    /// <summary>The rule that counted.</summary>
    public int Rule => (int)BinaryPrimitives.ReadUInt32LittleEndian(_content.Span[12..]);

    /// <summary>Capacities' worth of bytes that were read.</summary>
    public double Turns => BinaryPrimitives.ReadDoubleLittleEndian(_content.Span[24..]);

    private int Records => (_content.Length - HeaderBytes - sizeof(uint)) / RecordBytes;

    private static ReadOnlySpan<byte> Magic => "THAWHEAT"u8;

    public static string PathIn(string root) => Path.Combine(root, "heat");

    /// <summary>What there is to say now.</summary>
    public static HeatNotes Of(HeatOrder order, Accounts accounts)
    {
        var here = accounts.All.ToArray();
        var gone = order.Gone.ToArray();
        var rest = order.Restoring is { } restoring ? restoring.Left().ToArray() : [];
        var records = here.Length + gone.Length + rest.Length;
        var content = new NativeBytes(checked(HeaderBytes + records * RecordBytes + sizeof(uint)));
        var bytes = content.Span;
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], Format);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[12..], (uint)order.Rule);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], accounts.Bytes);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes[24..], order.Turns);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[32..], records);
        var at = HeaderBytes;
        foreach (var account in here)
            Write(bytes[at..(at += RecordBytes)], account);
        foreach (var version in gone)
            Write(bytes[at..(at += RecordBytes)], version);
        foreach (var record in rest)
            order.Restoring!.RecordAt(record).CopyTo(bytes[at..(at += RecordBytes)]);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], Crc32C.Compute(bytes[..at]));
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
        var content = new NativeBytes((int)file.Length);
        var bytes = content.Span;
        if (file.Read(bytes, 0) != bytes.Length || !bytes.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != Format
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]) >= HeatRule.All.Length
            || BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]) * RecordBytes
                != bytes.Length - HeaderBytes - sizeof(uint)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..])
                != Crc32C.Compute(bytes[..^sizeof(uint)]))
        {
            content.Dispose();
            return null;
        }

        var notes = new HeatNotes(content);
        notes.Index();
        return notes;
    }

    /// <summary>Replaces the file, whole or not at all.</summary>
    public void Write(FileSystem files, string root)
    {
        var temporary = PathIn(root) + ".new";
        using (var file = files.Open(temporary, FileMode.Create))
        {
            file.Write(_content.Span, 0);
            file.Sync();
        }

        files.Replace(temporary, PathIn(root));
    }

    /// <summary>What the run knew of a version, with when it was last used; once, and null from then on.</summary>
    public VersionHeat? Take(ContentId id)
    {
        if (_places.Length == 0)
            return null;
        for (var at = FirstPlace(id); _places[at] is var number and not 0; at = (at + 1) & (_places.Length - 1))
        {
            if (number < 0 || IdAt(number - 1) != id)
                continue;
            _places[at] = -number;
            return Read(RecordAt(number - 1));
        }

        return null;
    }

    /// <summary>What nobody has taken.</summary>
    public IEnumerable<VersionHeat> TakeRest()
    {
        for (var at = 0; at < _places.Length; at++)
        {
            if (_places[at] is not (> 0 and var number))
                continue;
            _places[at] = -number;
            yield return Read(RecordAt(number - 1));
        }
    }

    public void Dispose() => _content.Dispose();

    private IEnumerable<int> Left() => _places.Where(number => number > 0).Select(number => number - 1);

    private ReadOnlySpan<byte> RecordAt(int record) =>
        _content.Span.Slice(HeaderBytes + record * RecordBytes, RecordBytes);

    private ContentId IdAt(int record) => ContentId.FromBytes(RecordAt(record)[..ContentId.Length]);

    private int FirstPlace(ContentId id) => id.GetHashCode() & (_places.Length - 1);

    private void Index()
    {
        _places = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2(2 * (uint)Records + 1)];
        for (var record = 0; record < Records; record++)
        {
            var at = FirstPlace(IdAt(record));
            while (_places[at] != 0)
                at = (at + 1) & (_places.Length - 1);
            _places[at] = record + 1;
        }
    }

    private static VersionHeat Read(ReadOnlySpan<byte> record)
    {
        var rest = record[ContentId.Length..];
        var version = new VersionHeat(
            ContentId.FromBytes(record[..ContentId.Length]), BinaryPrimitives.ReadInt64LittleEndian(rest))
        {
            ReadBytes = BinaryPrimitives.ReadInt64LittleEndian(rest[8..]),
            LastUsed = BinaryPrimitives.ReadInt64LittleEndian(rest[16..]),
        };
        for (var rule = 0; rule < version.Warmths.Length; rule++)
            version.Warmths[rule] = BinaryPrimitives.ReadDoubleLittleEndian(rest[(24 + rule * sizeof(double))..]);
        return version;
    }

    private static void Write(Span<byte> record, VersionHeat version)
    {
        version.Id.CopyTo(record);
        var rest = record[ContentId.Length..];
        BinaryPrimitives.WriteInt64LittleEndian(rest, version.SizeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(rest[8..], version.ReadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(rest[16..], version.LastUsed);
        for (var rule = 0; rule < version.Warmths.Length; rule++)
            BinaryPrimitives.WriteDoubleLittleEndian(rest[(24 + rule * sizeof(double))..], version.Warmths[rule]);
    }
}
