using System.Buffers.Binary;
using System.Text;

namespace Thaw.Storage.Names;

/// <summary>Writes tagged fields one behind the other: u8 tag, u16 length, value.</summary>
internal ref struct NameFieldWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>Begins a field of a known length and returns where its value goes.</summary>
    public Span<byte> Value(NameField tag, int length)
    {
        var field = _target[Length..];
        field[0] = (byte)tag;
        BinaryPrimitives.WriteUInt16LittleEndian(field[1..], checked((ushort)length));
        Length += 3 + length;
        return field.Slice(3, length);
    }

    public void Flag(NameField tag) => Value(tag, 0);

    public void Number(NameField tag, long number) =>
        BinaryPrimitives.WriteInt64LittleEndian(Value(tag, sizeof(long)), number);

    public void Text(NameField tag, string text) =>
        Encoding.UTF8.GetBytes(text, Value(tag, Encoding.UTF8.GetByteCount(text)));

    public void Text(NameField tag, ReadOnlySpan<byte> text) => text.CopyTo(Value(tag, text.Length));

    /// <summary>Fields that were written before.</summary>
    public void Fields(ReadOnlySpan<byte> fields)
    {
        fields.CopyTo(_target[Length..]);
        Length += fields.Length;
    }

    /// <summary>A name and a value: u16 length of the name, name, value.</summary>
    public void Pair(NameField tag, string name, string value)
    {
        var nameLength = Encoding.UTF8.GetByteCount(name);
        var bytes = Value(tag, sizeof(ushort) + nameLength + Encoding.UTF8.GetByteCount(value));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)nameLength);
        Encoding.UTF8.GetBytes(name, bytes[sizeof(ushort)..]);
        Encoding.UTF8.GetBytes(value, bytes[(sizeof(ushort) + nameLength)..]);
    }
}
