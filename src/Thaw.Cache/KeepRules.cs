using System.Collections.Immutable;
using Thaw.Cache.Naming;
using Thaw.Core.Identity;
using Thaw.Storage.Eviction;

namespace Thaw.Cache;

/// <summary>
/// What mounts and pins say of a version, by its names. A version with names in several mounts counts against the first
/// one's quota, is pinned by any of them and expires by the longest time to live.
/// </summary>
internal sealed class KeepRules(MountTable mounts) : IKeepRules
{
    private readonly ImmutableArray<long?> _quotas = [null, .. mounts.All.Select(mount => mount.Config.Quota?.Bytes)];

    public bool AnyExpires { get; } = mounts.All.Any(mount => mount.Config.Ttl is not null);

    public KeepRule Of(ContentId id)
    {
        var (owner, isPinned, expires) = (0, false, true);
        var ttl = TimeSpan.Zero;
        for (var index = 0; index < mounts.All.Length; index++)
        {
            var (isNamed, hasPin) = mounts.All[index].Names.KeepOf(id);
            if (!isNamed)
                continue;
            owner = owner == 0 ? index + 1 : owner;
            isPinned |= hasPin;
            if (mounts.All[index].Config.Ttl is { } one)
                ttl = one > ttl ? one : ttl;
            else
                expires = false;
        }

        return new KeepRule(owner, isPinned, owner > 0 && expires ? ttl : null);
    }

    public long? QuotaOf(int owner) => owner < _quotas.Length ? _quotas[owner] : null;
}
