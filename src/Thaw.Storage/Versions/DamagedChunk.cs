namespace Thaw.Storage.Versions;

/// <summary>What is left of a damaged chunk.</summary>
/// <param name="BadBlocks">Blocks that are to be fetched, one bit each; the others were read and are good.</param>
/// <param name="BlockCrcs">What each block of the chunk must have.</param>
public sealed record DamagedChunk(uint BadBlocks, uint[] BlockCrcs);
