using Thaw.Storage.Disks;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Eviction;

/// <summary>
/// Asks the kernel how much of a sealed victim the page cache holds: reads through a passthrough open never reach this
/// process. A hint that orders victims, never a veto: a version is asked about once in a while, counts as used if
/// most of it is resident, and is no better off the next time. One thread.
/// </summary>
internal sealed class Residency(DiskStore disk)
{
    /// <summary>Versions whose answer is remembered.</summary>
    private const int AskedMost = 1024;

    private readonly Dictionary<Core.Identity.ContentId, long> _asked = [];

    /// <summary>Whether a sealed version is at least half resident and was not asked about lately.</summary>
    public bool IsWarm(Account victim)
    {
        if (_asked.TryGetValue(victim.Id, out var at)
            && disk.Clock.GetElapsedTime(at) < Core.Limits.ResidencyTrusted)
            return false;
        using var lease = disk.LeaseNow(victim.Id);
        if (lease is not { Version: { IsSealed: true, Backing: { } file } version })
            return false;
        if (_asked.Count >= AskedMost)
            _asked.Clear();
        _asked[victim.Id] = disk.Clock.GetTimestamp();
        return PageCache.ResidentBytes(file, version.SizeBytes) is { } resident && resident >= version.SizeBytes / 2;
    }
}
