using Thaw.Core.Cluster;

namespace Thaw.Cluster.Membership;

/// <summary>
/// Folds what etcd says into the members: lists and single changes. A list that lacks a known member does not end it at
/// once: after an outage, or when etcd has lost its keys, leases are made again one after the other; a member that has
/// not made its own by the end of the grace is gone. A deleted key is believed at once. No clock of its own; one caller
/// at a time.
/// </summary>
internal sealed class MemberFold
{
    private readonly Dictionary<string, ClusterMember> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _leaving = new(StringComparer.Ordinal);

    public IEnumerable<ClusterMember> Members => _members.Values;

    /// <summary>When a member that no list names any more is gone; null: all are named.</summary>
    public DateTimeOffset? NextExpiry => _leaving.Count == 0 ? null : _leaving.Values.Min();

    /// <summary>All members as they are listed now.</summary>
    public void Relist(IEnumerable<ClusterMember> listed, DateTimeOffset graceEnds)
    {
        var missing = _members.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var member in listed)
        {
            Put(member);
            missing.Remove(member.Name);
        }

        foreach (var name in missing)
            _leaving[name] = graceEnds;
    }

    public void Put(ClusterMember member)
    {
        _members[member.Name] = member;
        _leaving.Remove(member.Name);
    }

    public void Delete(string name)
    {
        _members.Remove(name);
        _leaving.Remove(name);
    }

    /// <summary>Ends the members whose grace is over.</summary>
    public void Expire(DateTimeOffset now)
    {
        foreach (var (name, ends) in _leaving.ToArray())
            if (ends <= now)
                Delete(name);
    }
}
