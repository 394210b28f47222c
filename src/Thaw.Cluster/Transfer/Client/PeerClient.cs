using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>Asks other nodes: one link for each of them, made when it is first needed.</summary>
public sealed class PeerClient : IPeerClient
{
    private readonly ConcurrentDictionary<string, PeerLink> _links = new(StringComparer.Ordinal);
    private readonly Func<ClusterSnapshot> _snapshot;
    private readonly ILogger _logger;
    private long _bytesIn;
    private long _corrupt;
    private long _verdicts;
    private int _inFlight;

    /// <param name="options">Who this node is.</param>
    /// <param name="snapshot">The present snapshot, told to every node that is asked.</param>
    /// <param name="logger">Where to log.</param>
    public PeerClient(PeerTransferOptions options, Func<ClusterSnapshot> snapshot, ILogger<PeerClient> logger) =>
        (Options, _snapshot, _logger) = (options, snapshot, logger);

    /// <inheritdoc />
    public long BytesIn => Volatile.Read(ref _bytesIn);

    /// <inheritdoc />
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Fetches that ended because a block was not what it must be.</summary>
    public long Corrupt => Volatile.Read(ref _corrupt);

    /// <summary>How often a node was found silent, out of reach or unwilling.</summary>
    public long Verdicts => Volatile.Read(ref _verdicts);

    internal PeerTransferOptions Options { get; }

    internal ClusterSnapshot Snapshot => _snapshot();

    /// <inheritdoc />
    public bool IsSuspect(string node) => _links.TryGetValue(node, out var link) && link.IsSuspect;

    /// <inheritdoc />
    public PeerLoad? LoadOf(string node) =>
        _links.TryGetValue(node, out var link) && link.Load is { } told
        && Environment.TickCount64 - told.At < (long)PeerLoad.Trusted.TotalMilliseconds ? told.Load : null;

    /// <inheritdoc />
    public async ValueTask<PeerFetchEnd> FetchAsync(
        ClusterMember peer, PeerFetch fetch, CancellationToken cancellationToken)
    {
        var request = fetch.Request;
        if (!request.IsPossible || fetch.Destination.Length < request.ChunkLength
            || fetch.ExpectedCrcs is { } expected && expected.Length < request.EndBlock)
            throw new ArgumentException("No chunk has such blocks, or the memory is too small.", nameof(fetch));
        cancellationToken.ThrowIfCancellationRequested();
        var pending = new PendingFetch(fetch);
        return await RunAsync(peer, pending, pending.End, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<Result<PeerAnswer>> AskAsync(
        ClusterMember peer, PeerQuestion question, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var pending = new PendingQuestion(question);
        return await RunAsync(peer, pending, pending.End, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends all connections; what is asked ends without an answer.</summary>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_links.Values.Select(link => Task.Run(link.Stop))).ConfigureAwait(false);

    internal void AddReceived(int bytes) => Interlocked.Add(ref _bytesIn, bytes);

    internal void CountCorrupt() => Interlocked.Increment(ref _corrupt);

    internal void CountVerdict(string node, Failure verdict)
    {
        Interlocked.Increment(ref _verdicts);
        Log.Suspect(_logger, node, verdict.Message);
    }

    internal void Broke(string node, Exception error) => Log.ConnectionBroke(_logger, node, error);

    private async ValueTask<T> RunAsync<T>(
        ClusterMember peer, Pending pending, Task<T> end, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _inFlight);
        try
        {
            _links.GetOrAdd(peer.Name, static (name, client) => new PeerLink(name, client), this)
                .Submit(pending, peer);
            using (cancellationToken.UnsafeRegister(static state => ((Pending)state!).RequestCancel(), pending))
                return await end.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }
}
