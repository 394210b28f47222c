using System.Buffers.Binary;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Wire;

/// <summary>A load at the end of a head: u32 KiB that are promised, u32 KiB/s.</summary>
internal static class LoadHead
{
    public const int Bytes = 2 * sizeof(uint);

    private const int Unit = 1024;

    public static void Write(Span<byte> buffer, PeerLoad load)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(buffer, Units(load.PromisedBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[sizeof(uint)..], Units(load.BytesPerSecond));
    }

    /// <summary>Null: the other node is one that tells none.</summary>
    public static PeerLoad? TryRead(ReadOnlySpan<byte> rest) => rest.Length < Bytes
        ? null
        : new PeerLoad(
            (long)Unit * BinaryPrimitives.ReadUInt32LittleEndian(rest),
            (double)Unit * BinaryPrimitives.ReadUInt32LittleEndian(rest[sizeof(uint)..]));

    private static uint Units(double bytes) => (uint)Math.Clamp(bytes / Unit, 0, uint.MaxValue);
}
