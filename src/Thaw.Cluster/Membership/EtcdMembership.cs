using Grpc.Core;
using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts;

namespace Thaw.Cluster.Membership;

/// <summary>
/// Members are keys in etcd, each under a lease that its node renews. While etcd does not answer, the last members
/// stay: nothing on the way of the bytes asks etcd. Each session begins with a whole list, so neither a compaction nor
/// lost keys can hide a change.
/// <para>One task owns the sessions and the folding; <see cref="DisposeAsync"/> awaits it. Any thread reads. A node
/// that is killed leaves its key until the lease ends; one that stops says first whether it comes back.</para>
/// </summary>
public sealed class EtcdMembership : IMembership
{
    private readonly Lock _gate = new();
    private readonly MemberFold _fold = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _run = Guid.NewGuid().ToString("n");
    private readonly EtcdOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly LatestSnapshot _latest;
    private readonly Task _running;
    private ClusterMember _self;
    private EtcdSession? _session;
    private (ulong Cluster, long Revision) _seen;
    private long _failures;
    private bool _disposed;

    private EtcdMembership(
        ClusterMember self, EtcdOptions options, TimeProvider clock, ILogger<EtcdMembership> logger)
    {
        (Self, _self, _options, _clock, _logger) = (self.Name, self, options, clock, logger);
        _latest = new LatestSnapshot(ClusterSnapshot.First([self]));
        _running = Task.Run(RunAsync);
    }

    /// <inheritdoc />
    public string Self { get; }

    /// <inheritdoc />
    public ClusterSnapshot Current => _latest.Current;

    /// <summary>Sessions that ended in a failure.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>
    /// Joins the cluster. Returns once the members are known, or alone when etcd does not answer for a while: it goes
    /// on trying.
    /// </summary>
    public static async Task<EtcdMembership> StartAsync(
        ClusterMember self, EtcdOptions options, TimeProvider clock, ILogger<EtcdMembership> logger,
        CancellationToken cancellationToken)
    {
        var membership = new EtcdMembership(self, options, clock, logger);
        await Task.WhenAny(
            membership._listed.Task, Task.Delay(Limits.EtcdFirstList, clock, cancellationToken)).ConfigureAwait(false);
        return membership;
    }

    /// <inheritdoc />
    public ValueTask<ClusterSnapshot> WaitAsync(ClusterSnapshot known, CancellationToken cancellationToken) =>
        _latest.WaitAsync(known, cancellationToken);

    /// <inheritdoc />
    public async ValueTask AnnounceAsync(MemberState state, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        EtcdSession? session;
        lock (_gate)
        {
            _self = _self with { State = state, Until = until };
            session = _session;
            Publish();
        }

        try
        {
            if (session is not null)
                await session.PutAsync(Announced, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is RpcException or IOException or ObjectDisposedException)
        {
            // The next session begins with it.
            Log.NotAnnounced(_logger, Self, error.Message);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private ClusterMember Announced()
    {
        lock (_gate)
            return _self;
    }

    private async Task RunAsync()
    {
        var pause = Limits.EtcdBackoff;
        for (var turn = 0; !_stopping.IsCancellationRequested; turn++)
        {
            var endpoint = _options.Endpoints[turn % _options.Endpoints.Length];
            var wasListed = false;
            var reason = "it ended the session";
            try
            {
                var session = new EtcdSession(endpoint, _options, _run, _clock);
                await using (session.ConfigureAwait(false))
                {
                    await RunAsync(session, () => wasListed = true).ConfigureAwait(false);
                }
            }
            catch (Exception error) when (error is RpcException or IOException or OperationCanceledException)
            {
                reason = error is RpcException { Status.Detail: { Length: > 0 } detail } ? detail : error.Message;
            }

            if (_stopping.IsCancellationRequested)
                return;
            Interlocked.Increment(ref _failures);
            Log.SessionEnded(_logger, endpoint, reason);
            pause = wasListed ? Limits.EtcdBackoff : Min(2 * pause, Limits.EtcdBackoffMost);
            // Whole clusters lose etcd at one moment and should not come back at one.
            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble() / 2), _clock, _stopping.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RunAsync(EtcdSession session, Action listed)
    {
        try
        {
            lock (_gate)
                _session = session;
            await session.BeginAsync(Announced, _stopping.Token).ConfigureAwait(false);
            var list = await session.ListAsync(_stopping.Token).ConfigureAwait(false);
            TakeList(list);
            listed();
            _listed.TrySetResult();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            Task[] parts =
            [
                session.KeepAliveAsync(ended.Token), session.WatchAsync(list.Revision + 1, TakeChange, ended.Token),
                ExpireAsync(ended.Token),
            ];
            var first = await Task.WhenAny(parts).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stopping.IsCancellationRequested && Announced().State != MemberState.Restarting)
                await session.LeaveAsync().ConfigureAwait(false);
            await first.ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _session = null;
        }
    }

    private void TakeList(MemberList list)
    {
        lock (_gate)
        {
            if (_seen.Cluster != 0 && (_seen.Cluster != list.Cluster || list.Revision < _seen.Revision))
                Log.LostKeys(_logger, _options.MembersPrefix);
            _seen = (list.Cluster, list.Revision);
            _fold.Relist(list.Members, _clock.GetUtcNow() + _options.Lease * 2);
            Publish();
        }
    }

    private void TakeChange(MemberChange change)
    {
        lock (_gate)
        {
            _seen.Revision = change.Revision;
            if (change.Name == Self)
            {
                if (change.Run is { } run && run != _run)
                    Log.NameTaken(_logger, Self);
                return;
            }

            if (change.Member is { } member)
                _fold.Put(member);
            else
                _fold.Delete(change.Name);
            Publish();
        }
    }

    /// <summary>Ends members that no list names any more, when their grace is over.</summary>
    private async Task ExpireAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            DateTimeOffset? next;
            lock (_gate)
            {
                _fold.Expire(_clock.GetUtcNow());
                Publish();
                next = _fold.NextExpiry;
            }

            var wait = next is { } at ? at - _clock.GetUtcNow() : Timeout.InfiniteTimeSpan;
            if (next is null || wait > TimeSpan.Zero)
                await Task.Delay(wait, _clock, cancellationToken).ConfigureAwait(false);
        }
    }

    // Under the gate.
    private void Publish()
    {
        var members = _fold.Members.Where(member => member.Name != Self).Append(_self);
        var next = Current.Next(members);
        if (_latest.TryPublish(next))
            Log.Changed(_logger, next);
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
