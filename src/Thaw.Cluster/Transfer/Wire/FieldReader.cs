using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Thaw.Core.Identity;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>
/// Reads fields from bytes of any origin. What does not fit makes it broken, and stays so; whoever reads asks
/// <see cref="IsBroken"/> at the end, and believes nothing before.
/// </summary>
internal ref struct FieldReader(ReadOnlySpan<byte> bytes)
{
    private const int PrefixBytes = sizeof(byte) + sizeof(uint);

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether something did not fit.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Tag of the present field.</summary>
    public byte Tag { get; private set; }

    /// <summary>Value of the present field.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Goes to the next field.</summary>
    public bool Next()
    {
        if (IsBroken || _rest.IsEmpty)
            return false;
        if (_rest.Length < PrefixBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(_rest[1..]) is var length && length > _rest.Length - PrefixBytes)
            return !Break();
        Tag = _rest[0];
        Value = _rest.Slice(PrefixBytes, (int)length);
        _rest = _rest[(PrefixBytes + (int)length)..];
        return true;
    }

    public byte Byte() => Fits(sizeof(byte)) ? Value[0] : default;

    public ushort UInt16() => Fits(sizeof(ushort)) ? BinaryPrimitives.ReadUInt16LittleEndian(Value) : default;

    public uint UInt32() => Fits(sizeof(uint)) ? BinaryPrimitives.ReadUInt32LittleEndian(Value) : default;

    public long Int64() => Fits(sizeof(long)) ? BinaryPrimitives.ReadInt64LittleEndian(Value) : default;

    public ContentId Id() => Fits(ContentId.Length) ? ContentId.FromBytes(Value) : default;

    /// <summary>A number that is not negative and fits an int.</summary>
    public int Count() => UInt32() is <= int.MaxValue and var value ? (int)value : BreakTo(0);

    public string Text() => Utf8.IsValid(Value) ? Encoding.UTF8.GetString(Value) : BreakTo("");

    public DateTimeOffset Time() =>
        Int64() is var ticks && ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : BreakTo(default(DateTimeOffset));

    public byte[] Bytes() => Value.ToArray();

    /// <summary>What was read is not possible.</summary>
    public bool Break() => IsBroken = true;

    private T BreakTo<T>(T value)
    {
        IsBroken = true;
        return value;
    }

    private bool Fits(int bytes) => Value.Length == bytes || !Break();
}
