using Microsoft.Extensions.Logging;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Recovery;
using Thaw.Storage.Versions;

namespace Thaw.Storage;

/// <summary>A cache directory and the most bytes of versions it may hold.</summary>
/// <param name="Path">The directory, made if missing.</param>
/// <param name="Capacity">
/// Says how many bytes; it may have to ask the disk, and is called where a disk that hangs holds up nobody else.
/// </param>
public sealed record DiskOptions(string Path, Func<long> Capacity)
{
    /// <summary>A capacity that needs no disk to be known.</summary>
    public DiskOptions(string path, long capacityBytes)
        : this(path, () => capacityBytes)
    {
    }
}

/// <summary>What all disks of a store share.</summary>
internal sealed record StoreContext(
    ILogger Logger, TimeProvider Clock, StoreCounters Counters, FileSystem Files, Func<ContentId, bool> IsPinned,
    string? BootId)
{
    /// <summary>What the owner of names knows of versions; without it pins alone.</summary>
    public IKeepRules? Rules { get; init; }

    /// <summary>When a disk is slow or stuck.</summary>
    public DiskThresholds Thresholds { get; init; } = new();

    /// <summary>How the disks are scrubbed.</summary>
    public ScrubPace Scrub { get; init; } = new();
}
