using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Storage.Disks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// The bytes of one version at their places: blocks are read and checked, chunks are written. On the disk's threads;
/// each piece tells the disk's watch that it gets on.
/// </summary>
internal sealed class VersionBytes(DiskStore disk, MapHeader header, DiskFile data, long start)
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Reads one block and checks it: a hit, bad, or a miss when the disk is gone.</summary>
    /// <param name="chunk">Index of the chunk.</param>
    /// <param name="index">Index of the block in it.</param>
    /// <param name="crcs">The chunk's list.</param>
    /// <param name="scratch">Room for a block.</param>
    /// <param name="from">Another descriptor of the same file, past the page cache.</param>
    public ReadOutcome ReadBlock(int chunk, int index, uint[] crcs, Span<byte> scratch, DiskFile? from = null)
    {
        var block = scratch[..Geometry.BlockLength(Geometry.ChunkLength(header.SizeBytes, chunk), index)];
        DiskQueue.NoteProgress();
        try
        {
            // Past the page cache only whole pages can be asked for; the file's end cuts the last one.
            var read = from is null
                ? data.Read(block, OffsetOf(chunk, index))
                : from.Read(scratch[..Geometry.BlockBytes], OffsetOf(chunk, index));
            return read >= block.Length && Crc32C.Compute(block) == crcs[index]
                ? ReadOutcome.Hit(block.Length)
                : ReadOutcome.Bad;
        }
        catch (IOException error)
        {
            return disk.ReportReadFailure(header.Id, error) ? ReadOutcome.Miss : ReadOutcome.Bad;
        }
    }

    /// <summary>Writes the bytes of a chunk.</summary>
    /// <param name="chunk">Index of the chunk.</param>
    /// <param name="bytes">All its bytes.</param>
    /// <param name="blocks">The blocks to write, one bit each.</param>
    public void Write(int chunk, ReadOnlySpan<byte> bytes, uint blocks)
    {
        if (blocks == uint.MaxValue)
        {
            for (var done = 0; done < bytes.Length; done += PieceBytes)
            {
                DiskQueue.NoteProgress();
                data.Write(bytes.Slice(done, Math.Min(PieceBytes, bytes.Length - done)), OffsetOf(chunk, 0) + done);
            }

            return;
        }

        for (var index = 0; index < Geometry.BlockCount(bytes.Length); index++)
        {
            if ((blocks & (1u << index)) == 0)
                continue;
            WriteBlock(
                chunk, index, bytes.Slice(index * Geometry.BlockBytes, Geometry.BlockLength(bytes.Length, index)));
        }
    }

    /// <summary>Writes one block.</summary>
    public void WriteBlock(int chunk, int index, ReadOnlySpan<byte> block)
    {
        DiskQueue.NoteProgress();
        data.Write(block, OffsetOf(chunk, index));
    }

    private long OffsetOf(int chunk, int block) =>
        start + Geometry.ChunkOffset(chunk) + (long)block * Geometry.BlockBytes;
}
