using System.Buffers.Binary;

namespace Thaw.Storage.Names;

/// <summary>Walks over tagged fields: u8 tag, u16 length, value; ends at tag 0 and at what is no whole field.</summary>
internal ref struct NameFieldReader(ReadOnlySpan<byte> fields)
{
    private const int HeaderBytes = 3;

    private ReadOnlySpan<byte> _rest = fields;

    public NameField Tag { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The field as it is, with tag and length.</summary>
    public ReadOnlySpan<byte> Whole { get; private set; }

    /// <summary>Whether the last field reaches beyond the end.</summary>
    public bool IsCut { get; private set; }

    public bool MoveNext()
    {
        if (_rest.Length < HeaderBytes || _rest[0] == (byte)NameField.End)
            return false;
        Tag = (NameField)_rest[0];
        var length = HeaderBytes + BinaryPrimitives.ReadUInt16LittleEndian(_rest[1..]);
        IsCut = length > _rest.Length;
        if (IsCut)
            return false;
        Whole = _rest[..length];
        Value = Whole[HeaderBytes..];
        _rest = _rest[length..];
        return true;
    }
}
