using Microsoft.Extensions.Logging;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Eviction;
using Thaw.Storage.Versions;

namespace Thaw.Storage;

/// <summary>A cache directory and the most bytes of versions it may hold.</summary>
public sealed record DiskOptions(string Path, long CapacityBytes);

/// <summary>What all disks of a store share.</summary>
internal sealed record StoreContext(
    ILogger Logger, TimeProvider Clock, StoreCounters Counters, FileSystem Files, Func<ContentId, bool> IsPinned,
    string? BootId)
{
    /// <summary>What the owner of names knows of versions; without it pins alone.</summary>
    public IKeepRules? Rules { get; init; }

    /// <summary>When a disk is slow or stuck.</summary>
    public DiskThresholds Thresholds { get; init; } = new();
}
