using Thaw.Core.Identity;
using Thaw.Storage.Eviction;

namespace Thaw.Daemon;

/// <summary>
/// The cache's rules, which are known only when the names are; until then everything stays. Any thread.
/// </summary>
internal sealed class DeferredRules : IKeepRules
{
    private volatile IKeepRules? _rules;

    public bool AnyExpires => _rules is { AnyExpires: true };

    public void Set(IKeepRules rules) => _rules = rules;

    public KeepRule Of(ContentId id) => _rules?.Of(id) ?? new KeepRule(IsPinned: true);

    public long? QuotaOf(int owner) => _rules?.QuotaOf(owner);
}
