using System.Buffers.Binary;
using Thaw.Core;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>The first 16 bytes of every message, and the CRC over them and the head behind them.</summary>
internal readonly record struct MessageHeader(
    MessageType Type, int HeadBytes, uint Request, int PayloadBytes, uint Crc)
{
    public const int Bytes = 16;

    /// <summary>The largest payload: the blocks of a chunk.</summary>
    public const int PayloadMost = Geometry.ChunkBytes;

    private const int CrcOffset = 12;

    /// <summary>Reads a header; false when its payload is larger than any may be.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out MessageHeader header)
    {
        var payload = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        header = new MessageHeader(
            (MessageType)bytes[0], BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]), (int)Math.Min(payload, int.MaxValue),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcOffset..]));
        return payload <= PayloadMost;
    }

    /// <summary>Whether a header and the head behind it have the CRC that is in the header.</summary>
    public static bool Check(ReadOnlySpan<byte> headerAndHead) =>
        CrcOf(headerAndHead) == BinaryPrimitives.ReadUInt32LittleEndian(headerAndHead[CrcOffset..]);

    /// <summary>Writes the header in front of a head that is there already.</summary>
    public static void Write(Span<byte> headerAndHead, MessageType type, uint request, int payloadBytes)
    {
        headerAndHead[0] = (byte)type;
        headerAndHead[1] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(headerAndHead[2..], checked((ushort)(headerAndHead.Length - Bytes)));
        BinaryPrimitives.WriteUInt32LittleEndian(headerAndHead[4..], request);
        BinaryPrimitives.WriteInt32LittleEndian(headerAndHead[8..], payloadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(headerAndHead[CrcOffset..], CrcOf(headerAndHead));
    }

    /// <summary>A whole message without payload.</summary>
    public static byte[] Compose(MessageType type, uint request, ReadOnlySpan<byte> head)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(head.Length, Limits.PeerHeadBytes);
        var message = new byte[Bytes + head.Length];
        head.CopyTo(message.AsSpan(Bytes));
        Write(message, type, request, 0);
        return message;
    }

    private static uint CrcOf(ReadOnlySpan<byte> headerAndHead) =>
        Crc32C.Append(Crc32C.Compute(headerAndHead[..CrcOffset]), headerAndHead[Bytes..]);
}
