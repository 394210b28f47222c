using System.Collections.Immutable;
using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Mvccpb;
using Thaw.Core;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Membership;

/// <summary>All members at one revision.</summary>
/// <param name="Cluster">Identity of the etcd cluster.</param>
/// <param name="Revision">Revision of the list.</param>
/// <param name="Members">The members.</param>
internal sealed record MemberList(ulong Cluster, long Revision, ImmutableArray<ClusterMember> Members);

/// <summary>A member came, changed or (no <paramref name="Member"/>) went.</summary>
internal sealed record MemberChange(long Revision, string Name, ClusterMember? Member, string? Run);

/// <summary>
/// One connection to one etcd member and one lease on it. Whatever breaks ends the session with an exception; the owner
/// begins another one.
/// </summary>
internal sealed class EtcdSession : IAsyncDisposable
{
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly GrpcChannel _channel;
    private readonly EtcdOptions _options;
    private readonly string _run;
    private readonly TimeProvider _clock;
    private readonly KV.KVClient _keys;
    private readonly Lease.LeaseClient _leases;
    private long _lease;

    public EtcdSession(Uri endpoint, EtcdOptions options, string run, TimeProvider clock)
    {
        (_options, _run, _clock) = (options, run, clock);
        _channel = GrpcChannel.ForAddress(endpoint, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { ConnectTimeout = Limits.EtcdAnswer },
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
        });
        (_keys, _leases) = (new KV.KVClient(_channel), new Lease.LeaseClient(_channel));
    }

    /// <summary>Takes a lease and writes the node's record under it.</summary>
    public async Task BeginAsync(Func<ClusterMember> self, CancellationToken cancellationToken)
    {
        _lease = await GrantAsync(_options.Lease, cancellationToken).ConfigureAwait(false);
        await PutAsync(self, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the node's record as it is by now.</summary>
    public async Task PutAsync(Func<ClusterMember> self, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var member = self();
            var lease = _lease;
            // The record of a node that restarts outlives its process.
            if (member is { State: MemberState.Restarting, Until: { } until })
                lease = await GrantAsync(until - _clock.GetUtcNow() + _options.Lease, cancellationToken)
                    .ConfigureAwait(false);
            var put = new PutRequest
            {
                Key = ByteString.CopyFromUtf8(_options.MembersPrefix + member.Name),
                Value = ByteString.CopyFrom(MemberRecord.Write(member, _run)),
                Lease = lease,
            };
            await _keys.PutAsync(put, Within(cancellationToken)).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    public async Task<MemberList> ListAsync(CancellationToken cancellationToken)
    {
        var range = new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd };
        var answer = await _keys.RangeAsync(range, Within(cancellationToken)).ConfigureAwait(false);
        var members = ImmutableArray.CreateBuilder<ClusterMember>(answer.Kvs.Count);
        foreach (var pair in answer.Kvs)
            if (MemberRecord.Read(pair.Value.Span)?.ToMember(NameOf(pair)) is { } member)
                members.Add(member);
        return new MemberList(answer.Header.ClusterId, answer.Header.Revision, members.DrainToImmutable());
    }

    /// <summary>Renews the lease until it is lost or nobody answers.</summary>
    public async Task KeepAliveAsync(CancellationToken cancellationToken)
    {
        using var call = _leases.LeaseKeepAlive(cancellationToken: cancellationToken);
        while (true)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(_options.Lease * 2 / 3);
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = _lease }, limit.Token)
                .ConfigureAwait(false);
            if (!await call.ResponseStream.MoveNext(limit.Token).ConfigureAwait(false)
                || call.ResponseStream.Current.TTL <= 0)
                throw new IOException("the lease is lost");
            await Task.Delay(_options.Lease / 3, _clock, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Tells of each change from a revision on, in order.</summary>
    public async Task WatchAsync(long revision, Action<MemberChange> changed, CancellationToken cancellationToken)
    {
        using var call = new Watch.WatchClient(_channel).Watch(cancellationToken: cancellationToken);
        var create = new WatchCreateRequest { Key = Prefix, RangeEnd = PrefixEnd, StartRevision = revision };
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, cancellationToken)
            .ConfigureAwait(false);
        while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
        {
            var answer = call.ResponseStream.Current;
            if (answer.Canceled)
                throw new IOException(answer.CompactRevision > 0
                    ? $"the changes from revision {revision} on are compacted" : answer.CancelReason);
            foreach (var change in answer.Events)
            {
                var record = change.Type == Event.Types.EventType.Put ? MemberRecord.Read(change.Kv.Value.Span) : null;
                var name = NameOf(change.Kv);
                changed(new MemberChange(change.Kv.ModRevision, name, record?.ToMember(name), record?.Run));
            }
        }

        throw new IOException("it ended the watch");
    }

    /// <summary>Gives the lease up, and with it the node's record.</summary>
    public async Task LeaveAsync()
    {
        try
        {
            await _leases.LeaseRevokeAsync(
                new LeaseRevokeRequest { ID = _lease }, deadline: DateTime.UtcNow + Limits.EtcdLeave)
                .ConfigureAwait(false);
        }
        catch (RpcException)
        {
            // The lease ends by itself.
            return;
        }
    }

    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _writing.Dispose();
        return ValueTask.CompletedTask;
    }

    private ByteString Prefix => ByteString.CopyFromUtf8(_options.MembersPrefix);

    // '0' is the byte behind '/'.
    private ByteString PrefixEnd => ByteString.CopyFromUtf8(_options.MembersPrefix[..^1] + '0');

    private string NameOf(KeyValue pair) => pair.Key.ToStringUtf8()[_options.MembersPrefix.Length..];

    private async Task<long> GrantAsync(TimeSpan length, CancellationToken cancellationToken)
    {
        var seconds = (long)Math.Ceiling(Math.Max(length.TotalSeconds, _options.Lease.TotalSeconds));
        var granted = await _leases.LeaseGrantAsync(
            new LeaseGrantRequest { TTL = seconds }, Within(cancellationToken)).ConfigureAwait(false);
        return granted.Error.Length == 0 ? granted.ID : throw new IOException(granted.Error);
    }

    private static CallOptions Within(CancellationToken cancellationToken) =>
        new(deadline: DateTime.UtcNow + Limits.EtcdAnswer, cancellationToken: cancellationToken);
}
