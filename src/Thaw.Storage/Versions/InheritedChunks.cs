using Thaw.Core.Chunks;
using Thaw.Storage.Format;

namespace Thaw.Storage.Versions;

/// <summary>
/// Chunks that an earlier run of this boot entered and did not make durable. The kernel has their bytes, but if a sync
/// of that run failed and its losses could not be entered, Linux holds their pages for clean and a sync that works says
/// nothing of them. So they are checked and written once more, as they are, before a sync vouches for them or a seal is
/// set.
/// <para>Invariant: a chunk that is written anew is forgotten first, so that old bytes never go over new ones. The gate
/// is held over one chunk's I/O: the disk's own threads wait for each other there, and nobody else does.</para>
/// </summary>
internal sealed class InheritedChunks(VersionFile version, VersionMap map, VersionBytes bytes, VersionLosses losses)
{
    private readonly Lock _gate = new();
    private readonly SortedSet<int> _chunks = [];

    /// <summary>An entry as it was found; before anybody else sees the version.</summary>
    public void Add(int chunk) => _chunks.Add(chunk);

    /// <summary>The chunk is being written: nothing of what was found there counts any more.</summary>
    public void Forget(int chunk)
    {
        lock (_gate)
            _chunks.Remove(chunk);
    }

    /// <summary>
    /// Writes what is good once more and loses what is not; false if the disk cannot be read. On a thread of the disk.
    /// </summary>
    public bool WriteAgain()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_chunks.Count == 0)
                    return true;
                if (!TryWriteAgain(_chunks.Min))
                    return false;
                _chunks.Remove(_chunks.Min);
            }
        }
    }

    private bool TryWriteAgain(int chunk)
    {
        var (state, generation) = map.Look(chunk);
        if (state != ChunkState.Written || losses.TryLoadBlockCrcs(chunk) is not { } crcs)
            return true;
        using var scratch = BlockScratch.Rent();
        var blocks = Geometry.BlockCount(Geometry.ChunkLength(version.SizeBytes, chunk));
        for (var index = 0; index < blocks; index++)
        {
            switch (bytes.ReadBlock(chunk, index, crcs, scratch.Span))
            {
                case { Kind: ReadKind.Miss }:
                    return false;
                case { Kind: ReadKind.Bad }:
                    // Not rot: that sync's loss, and its pages are those of the medium by now.
                    losses.Forget(chunk, generation, damage: null);
                    return true;
                case { Bytes: var length }:
                    bytes.WriteBlock(chunk, index, scratch.Span[..length]);
                    break;
            }
        }

        map.WriteList(chunk, crcs);
        return true;
    }
}
