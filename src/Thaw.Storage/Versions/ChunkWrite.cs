namespace Thaw.Storage.Versions;

/// <summary>A whole chunk that is to be kept.</summary>
/// <param name="Chunk">Index of the chunk.</param>
/// <param name="Bytes">All its bytes.</param>
/// <param name="BlockCrcs">32 CRC-32Cs, those behind the chunk's last block 0. Kept by the store.</param>
/// <param name="Crc64">CRC-64/NVME of the chunk, where the origin's sum is of that kind.</param>
/// <param name="Blocks">The blocks to write, one bit each; the others are on the disk already.</param>
public readonly record struct ChunkWrite(
    int Chunk, ReadOnlyMemory<byte> Bytes, uint[] BlockCrcs, ulong? Crc64 = null, uint Blocks = uint.MaxValue);
