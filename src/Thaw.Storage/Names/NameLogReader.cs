using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Names;

/// <summary>What was found in a log.</summary>
internal sealed class NameLogContents
{
    public NameGathering Names { get; } = new();

    /// <summary>Offset behind the last good record.</summary>
    public long End { get; set; } = NameLogHeader.Bytes;

    /// <summary>Bytes behind the last good record: a torn tail.</summary>
    public long TornBytes { get; set; }

    /// <summary>Stretches between good records that do not check.</summary>
    public int DamagedStretches { get; set; }

    /// <summary>Bytes in them.</summary>
    public long DamagedBytes { get; set; }

    public long Records { get; set; }
}

/// <summary>
/// Reads a names log from front to back.
/// <para>
/// Behind a record that does not check its length cannot be trusted, so the next good record is searched at every 8
/// bytes: records are aligned, and the CRC is seeded with the offset, so that user bytes which look like a record never
/// pass for one. Found one: the stretch before it is damage in the middle. Found none: it is a torn tail.
/// </para>
/// <para>
/// Records lost in the middle may have been newer states or removals of any key. All that was read before the damage
/// therefore stays, but with an unknown <see cref="NameEntry.LastAsked"/>, so that a mount which never asks again
/// (<c>immutable</c>) cannot serve a state that the lost records had ended. A later record of the key sets it right.
/// </para>
/// </summary>
internal sealed class NameLogReader(SafeFileHandle file, string mount)
{
    private const int WindowBytes = 1 << 20;

    private readonly long _length = RandomAccess.GetLength(file);
    private readonly NameLogSeed _seed = new(mount);
    private readonly byte[] _window = new byte[WindowBytes];
    private long _windowStart;
    private int _windowLength;

    public NameLogContents Read()
    {
        var contents = new NameLogContents();
        for (var at = contents.End; at < _length;)
        {
            if (TryRecord(at, out var record))
            {
                at += record.Length;
                contents.End = at;
                contents.Records++;
                if (!Apply(contents.Names, record))
                    Distrust(contents, record.Length);
                continue;
            }

            var next = FindRecord(at + NameRecord.AlignBytes);
            if (next < 0)
            {
                contents.TornBytes = _length - at;
                break;
            }

            Distrust(contents, next - at);
            at = next;
        }

        return contents;
    }

    private static void Distrust(NameLogContents contents, long bytes)
    {
        contents.DamagedStretches++;
        contents.DamagedBytes += bytes;
        foreach (var one in contents.Names.All)
        {
            var name = one;
            name.LastAsked = DateTimeOffset.MinValue;
        }
    }

    private static bool Apply(NameGathering names, ReadOnlySpan<byte> record)
    {
        if (!NameFields.TryRead(record[NameRecord.HeaderBytes..], out var fields))
            return false;
        var type = (NameRecordType)record[NameRecord.TypeOffset];
        if (type == NameRecordType.Put)
        {
            var isWhole = fields.TryPack(out var put);
            if (isWhole)
                names.Put(put);
            return isWhole;
        }

        if (type == NameRecordType.Remove)
            names.Remove(fields.Key);
        else if (names.TryFind(fields.Key, out var known))
            Change(known, type, fields);
        return true;
    }

    private static void Change(PackedName known, NameRecordType type, NameFields fields)
    {
        if (type == NameRecordType.Touch && known.VersionMark == fields.VersionMark)
        {
            known.LastAsked = fields.LastAsked ?? known.LastAsked;
            known.LastUsed = fields.LastUsed ?? known.LastUsed;
        }
        else if (type == NameRecordType.Pin)
        {
            known.Pinned = fields.Pinned;
        }
    }

    private long FindRecord(long from)
    {
        for (var at = from; at + NameRecord.HeaderBytes <= _length; at += NameRecord.AlignBytes)
        {
            if (TryRecord(at, out _))
                return at;
        }

        return -1;
    }

    private bool TryRecord(long at, out ReadOnlySpan<byte> record)
    {
        record = default;
        var header = At(at, NameRecord.HeaderBytes);
        if (header.Length < NameRecord.HeaderBytes)
            return false;
        var body = BinaryPrimitives.ReadUInt32LittleEndian(header);
        var type = BinaryPrimitives.ReadUInt32LittleEndian(header[NameRecord.TypeOffset..]);
        if (body is 0 or > NameRecord.MostBodyBytes + NameRecord.AlignBytes || type is 0 or > byte.MaxValue
            || (NameRecord.HeaderBytes + body) % NameRecord.AlignBytes != 0)
            return false;
        var bytes = At(at, NameRecord.HeaderBytes + (int)body);
        if (bytes.Length < NameRecord.HeaderBytes + (int)body
            || BinaryPrimitives.ReadUInt32LittleEndian(
                bytes[NameRecord.CrcOffset..]) != NameRecord.Crc(bytes, _seed.At(at)))
            return false;
        record = bytes;
        return true;
    }

    // As many of the bytes as the file has; valid until the next call.
    private ReadOnlySpan<byte> At(long offset, int count)
    {
        if (offset < _windowStart || offset + count > _windowStart + _windowLength)
        {
            _windowStart = offset;
            _windowLength = 0;
            for (int read; _windowLength < _window.Length; _windowLength += read)
            {
                read = RandomAccess.Read(file, _window.AsSpan(_windowLength), offset + _windowLength);
                if (read == 0)
                    break;
            }
        }

        var start = (int)(offset - _windowStart);
        return _window.AsSpan(start, Math.Min(count, _windowLength - start));
    }
}
