using Thaw.Core.Cluster;

namespace Thaw.Core.Contracts;

/// <summary>
/// Who is in the cluster. Each snapshot that comes out is the successor of the one before. Any thread.
/// </summary>
public interface IMembership : IAsyncDisposable
{
    /// <summary>Name of this node.</summary>
    string Self { get; }

    /// <summary>The latest snapshot; it always holds this node.</summary>
    ClusterSnapshot Current { get; }

    /// <summary>Ends once there is a later snapshot than this one; returns the latest.</summary>
    ValueTask<ClusterSnapshot> WaitAsync(ClusterSnapshot known, CancellationToken cancellationToken);

    /// <summary>Tells the others what this node does from now on.</summary>
    ValueTask AnnounceAsync(MemberState state, DateTimeOffset? until, CancellationToken cancellationToken);
}
