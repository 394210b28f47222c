using System.Buffers.Binary;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;

namespace Thaw.Cache.Verifying;

/// <summary>CRC-32C of a version from its block CRCs, chunk by chunk in order.</summary>
internal struct RunningCrc
{
    private uint _crc;

    /// <summary>Adds the next chunk.</summary>
    public void Add(ReadOnlySpan<uint> blockCrcs, int chunkLength)
    {
        for (var block = 0; block < Geometry.BlockCount(chunkLength); block++)
            _crc = Crc32C.Combine(_crc, blockCrcs[block], Geometry.BlockLength(chunkLength, block));
    }

    /// <summary>The CRC so far.</summary>
    public readonly uint Value => _crc;

    /// <summary>Big-endian, as origins write it.</summary>
    public static byte[] ToBytes(uint crc)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, crc);
        return bytes;
    }
}
