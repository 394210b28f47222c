using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Writes fields: u8 tag, u32 length, value.</summary>
internal sealed class FieldWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public FieldWriter Bytes(byte tag, ReadOnlySpan<byte> value)
    {
        value.CopyTo(Start(tag, value.Length));
        return this;
    }

    public FieldWriter Text(byte tag, string value)
    {
        Encoding.UTF8.GetBytes(value, Start(tag, Encoding.UTF8.GetByteCount(value)));
        return this;
    }

    public FieldWriter Byte(byte tag, byte value)
    {
        Start(tag, sizeof(byte))[0] = value;
        return this;
    }

    public FieldWriter UInt16(byte tag, ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Start(tag, sizeof(ushort)), value);
        return this;
    }

    public FieldWriter UInt32(byte tag, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Start(tag, sizeof(uint)), value);
        return this;
    }

    public FieldWriter Int64(byte tag, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Start(tag, sizeof(long)), value);
        return this;
    }

    /// <summary>A value that is made of fields.</summary>
    public FieldWriter Parts(byte tag, Action<FieldWriter> write)
    {
        var inner = new FieldWriter();
        write(inner);
        return Bytes(tag, inner.Written);
    }

    /// <summary>A field of so many bytes, which the caller fills.</summary>
    public Span<byte> Start(byte tag, int length)
    {
        const int prefix = sizeof(byte) + sizeof(uint);
        var span = _bytes.GetSpan(prefix + length);
        span[0] = tag;
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], length);
        _bytes.Advance(prefix + length);
        return span.Slice(prefix, length);
    }
}
