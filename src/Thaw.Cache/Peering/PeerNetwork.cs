using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Placing;
using Thaw.Core.Planning;

namespace Thaw.Cache.Peering;

/// <summary>The other nodes as this one sees them: who they are, what they own, who answers. Any thread.</summary>
internal sealed class PeerNetwork(ClusterLink link, IPeerClient client, TimeProvider clock)
{
    private View _view = new(new Placement(link.Membership.Current, link.Copies), link.Membership);

    /// <summary>Name of this node.</summary>
    public string Self => link.Membership.Self;

    public IPeerClient Client => client;

    public TimeProvider Clock => clock;

    /// <summary>The members as of now and what each owns.</summary>
    public View Now
    {
        get
        {
            var view = Volatile.Read(ref _view);
            var snapshot = link.Membership.Current;
            if (view.Placement.Snapshot == snapshot)
                return view;
            view = new View(new Placement(snapshot, link.Copies), link.Membership);
            Volatile.Write(ref _view, view);
            return view;
        }
    }

    /// <summary>The side of this node that answers the others; null: not yet.</summary>
    public IPeerServer? Server => link.Server;

    /// <summary>Whether a node is a member that can be asked now.</summary>
    public bool IsUsable(string node) =>
        Now.Placement.Snapshot.Find(node) is { } member && HealthOf(member) == MemberHealth.Usable;

    public MemberHealth HealthOf(ClusterMember member)
    {
        if (member.State == MemberState.Restarting)
            return member.Until > clock.GetUtcNow() ? MemberHealth.Awaited : MemberHealth.Passed;
        return client.IsSuspect(member.Name) ? MemberHealth.Passed : MemberHealth.Usable;
    }

    /// <summary>Ends when the members change, or when a member that restarts should be looked at again.</summary>
    public async Task WaitForChangeAsync(View view, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changed = link.Membership.WaitAsync(view.Placement.Snapshot, limit.Token).AsTask();
        await Task.WhenAny(changed, Task.Delay(Limits.PeerRestartLook, clock, limit.Token)).ConfigureAwait(false);
        await limit.CancelAsync().ConfigureAwait(false);
        await ((Task)changed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>One snapshot and what each of its members owns.</summary>
    internal sealed class View(Placement placement, IMembership membership)
    {
        public Placement Placement => placement;

        /// <summary>Index of this node.</summary>
        public int Self { get; } = placement.Snapshot.IndexOf(membership.Self);

        public ClusterMember MemberAt(int index) => placement.Snapshot.Members[index];
    }
}
