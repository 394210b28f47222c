using Thaw.Core.Identity;

namespace Thaw.Storage.Eviction;

/// <summary>What the owner of names and the cluster know of a version. Any thread; answers from memory.</summary>
public interface IKeepRules
{
    /// <summary>The rule of a version.</summary>
    KeepRule Of(ContentId id);

    /// <summary>Most bytes of an owner's versions on this node, or null.</summary>
    long? QuotaOf(int owner);

    /// <summary>Whether any owner's versions expire, so that it is worth looking for them.</summary>
    bool AnyExpires { get; }
}

/// <summary>What holds for one version.</summary>
/// <param name="Owner">Whose quota its bytes count against: a number from 1, or 0 for nobody's.</param>
/// <param name="IsPinned">It stays, whatever comes.</param>
/// <param name="Ttl">It goes when nobody has read it for so long.</param>
/// <param name="OthersHold">Other nodes hold all of it: it goes before those that they do not.</param>
/// <param name="IsLastCopy">The cluster has no other copy: it goes last.</param>
public readonly record struct KeepRule(
    int Owner = 0, bool IsPinned = false, TimeSpan? Ttl = null, bool OthersHold = false, bool IsLastCopy = false);

/// <summary>The rules of a node without cluster and mounts: pins alone.</summary>
internal sealed class PinRules(Func<ContentId, bool> isPinned) : IKeepRules
{
    public bool AnyExpires => false;

    public KeepRule Of(ContentId id) => new(IsPinned: isPinned(id));

    public long? QuotaOf(int owner) => null;
}
