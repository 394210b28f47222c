using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Core;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;
using Thaw.Storage;

namespace Thaw.Cache.Peering;

/// <summary>
/// Tells the homes what this node holds: changes in batches, and all of it after a start, when the members change, and
/// every now and then, for a home that restarted. One task of its own, awaited by <see cref="DisposeAsync"/>; what is
/// lost with a crash is told again.
/// </summary>
internal sealed class HaveAnnouncer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ContentId, (FetchSource Source, ConcurrentQueue<int> Chunks)> _changes =
        new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly PeerNetwork _network;
    private readonly PeerHome _home;
    private readonly MountTable _mounts;
    private readonly ChunkStore _store;
    private readonly ILogger _logger;
    private readonly Task _running;

    public HaveAnnouncer(
        PeerNetwork network, PeerHome home, MountTable mounts, ChunkStore store, ILogger<HaveAnnouncer> logger)
    {
        (_network, _home, _mounts, _store, _logger) = (network, home, mounts, store, logger);
        _running = Task.Run(RunAsync);
    }

    /// <summary>A chunk is on this node's disk from now on.</summary>
    public void Kept(FetchSource source, int chunk)
    {
        if (source.Catalog.Store is not null)
            _changes.GetOrAdd(source.Version.Id, static (_, one) => (one, new ConcurrentQueue<int>()), source)
                .Chunks.Enqueue(chunk);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _store.Scan.WaitAsync(_stopping.Token).ConfigureAwait(false);
            ulong? members = null;
            var toldAll = 0L;
            while (true)
            {
                var now = _network.Now.Placement.Snapshot.Hash;
                if (now != members || _network.Clock.GetElapsedTime(toldAll) > Limits.HaveRefresh)
                {
                    (members, toldAll) = (now, _network.Clock.GetTimestamp());
                    await TellAllAsync().ConfigureAwait(false);
                }

                await TellChangesAsync().ConfigureAwait(false);
                await Task.Delay(Limits.HaveBatch, _network.Clock, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            Log.AnnouncerBroke(_logger, error);
        }
    }

    private async Task TellChangesAsync()
    {
        foreach (var id in _changes.Keys)
            if (_changes.TryRemove(id, out var change))
                await TellAsync(
                    change.Source.Catalog, change.Source.Key, id, change.Source.Version.SizeBytes,
                    [.. change.Chunks.Distinct().Order()], replacesAll: false).ConfigureAwait(false);
    }

    private async Task TellAllAsync()
    {
        foreach (var mount in _mounts.All.Where(mount => mount.Store is not null))
            foreach (var name in mount.Names.All())
            {
                ImmutableArray<int> chunks;
                using (var lease = _store.PresentBytesOf(name.Version.Id) > 0
                    ? await _store.LeaseAsync(name.Version.Id, _stopping.Token).ConfigureAwait(false) : null)
                {
                    if (lease is null)
                        continue;
                    chunks = [.. Enumerable.Range(0, lease.Version.ChunkCount).Where(lease.Version.Has)];
                }

                await TellAsync(mount, name.Key, name.Version.Id, name.Version.SizeBytes, chunks, replacesAll: true)
                    .ConfigureAwait(false);
            }
    }

    private ValueTask TellAsync(
        MountCatalog mount, string key, ContentId id, long sizeBytes, ImmutableArray<int> chunks, bool replacesAll) =>
        _home.TellAsync(
            new HaveQuestion(
                new PeerPlace(mount.Store!, mount.FullKey(key)), id, sizeBytes, PeerHome.ToBits(chunks), [],
                replacesAll),
            _stopping.Token);
}
