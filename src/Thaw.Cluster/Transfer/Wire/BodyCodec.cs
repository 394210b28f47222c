using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Thaw.Core.Checksums;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>Messages of questions and answers, and the parts that both have.</summary>
internal static class BodyCodec
{
    public const int HeadBytes = 8;

    /// <summary>A whole message, or null when its fields are more than a payload may have.</summary>
    public static byte[]? Compose(MessageType type, uint request, byte kind, FieldWriter fields)
    {
        var payload = fields.Written;
        if (payload.Length > Core.Limits.PeerBodyBytes)
            return null;
        const int start = MessageHeader.Bytes + HeadBytes;
        var message = new byte[start + payload.Length];
        message[MessageHeader.Bytes] = kind;
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(start - sizeof(uint)), Crc32C.Compute(payload));
        payload.CopyTo(message.AsSpan(start));
        MessageHeader.Write(message.AsSpan(0, start), type, request, payload.Length);
        return message;
    }

    /// <summary>The kind, or 0 when head and payload do not belong together.</summary>
    public static byte KindOf(ReadOnlySpan<byte> head, ReadOnlySpan<byte> payload) =>
        head.Length >= HeadBytes
        && BinaryPrimitives.ReadUInt32LittleEndian(head[sizeof(uint)..]) == Crc32C.Compute(payload)
            ? head[0]
            : (byte)0;

    public static void Write(FieldWriter fields, ChunkCrcs crcs)
    {
        fields.UInt32(1, (uint)crcs.Chunk);
        var list = fields.Start(2, crcs.Blocks.Length * sizeof(uint));
        for (var block = 0; block < crcs.Blocks.Length; block++)
            BinaryPrimitives.WriteUInt32LittleEndian(list[(block * sizeof(uint))..], crcs.Blocks[block]);
    }

    public static ChunkCrcs? TryReadCrcs(ReadOnlySpan<byte> bytes)
    {
        var chunk = -1;
        var blocks = default(ImmutableArray<uint>);
        var fields = new FieldReader(bytes);
        while (fields.Next())
        {
            if (fields.Tag == 1)
                chunk = fields.Count();
            else if (fields.Tag == 2 && fields.Value.Length % sizeof(uint) == 0)
                blocks = [.. MemoryMarshal.Cast<byte, uint>(fields.Value)];
        }

        return fields.IsBroken || chunk < 0 || blocks.IsDefaultOrEmpty
            || blocks.Length > Core.Chunks.Geometry.BlocksPerChunk
            ? null
            : new ChunkCrcs(chunk, blocks);
    }
}
