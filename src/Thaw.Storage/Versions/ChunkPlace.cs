using Microsoft.Win32.SafeHandles;

namespace Thaw.Storage.Versions;

/// <summary>Where a chunk's bytes lie. The file is the version's own: never close it.</summary>
public sealed record ChunkPlace(SafeFileHandle File, long Offset);
