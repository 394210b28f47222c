using System.Buffers.Binary;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>
/// Heads of <c>blocks</c>: the first block, their number, a CRC-32C for each, and the sender's load. No allocation.
/// </summary>
internal static class BlocksHead
{
    private const int FixedBytes = 2 * sizeof(ushort);

    /// <summary>Longest header and head of a message of this program.</summary>
    public const int MessageBytesMost =
        MessageHeader.Bytes + FixedBytes + Geometry.BlocksPerChunk * sizeof(uint) + LoadHead.Bytes;

    /// <summary>Writes header and head into a buffer that is large enough; returns their length.</summary>
    public static int Write(
        Span<byte> buffer, uint request, int firstBlock, ReadOnlySpan<uint> crcs, int payloadBytes, PeerLoad load)
    {
        var length = MessageHeader.Bytes + FixedBytes + crcs.Length * sizeof(uint) + LoadHead.Bytes;
        var head = buffer[MessageHeader.Bytes..];
        BinaryPrimitives.WriteUInt16LittleEndian(head, (ushort)firstBlock);
        BinaryPrimitives.WriteUInt16LittleEndian(head[sizeof(ushort)..], (ushort)crcs.Length);
        for (var block = 0; block < crcs.Length; block++)
            BinaryPrimitives.WriteUInt32LittleEndian(head[(FixedBytes + block * sizeof(uint))..], crcs[block]);
        LoadHead.Write(buffer[(length - LoadHead.Bytes)..], load);
        MessageHeader.Write(buffer[..length], MessageType.Blocks, request, payloadBytes);
        return length;
    }

    /// <summary>Reads first block and number of blocks; the number is 0 when the head cannot be.</summary>
    public static (int First, int Count) Read(ReadOnlySpan<byte> head)
    {
        if (head.Length < FixedBytes)
            return default;
        var first = BinaryPrimitives.ReadUInt16LittleEndian(head);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(head[sizeof(ushort)..]);
        return count <= Geometry.BlocksPerChunk && head.Length >= FixedBytes + count * sizeof(uint)
            ? (first, count)
            : default;
    }

    /// <summary>The sender's load behind the CRCs; null: it tells none.</summary>
    public static PeerLoad? LoadOf(ReadOnlySpan<byte> head, int count) =>
        LoadHead.TryRead(head[(FixedBytes + count * sizeof(uint))..]);

    public static uint CrcOf(ReadOnlySpan<byte> head, int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(head[(FixedBytes + index * sizeof(uint))..]);
}
