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
/// every now and then, for a home that restarted; again and again to one that does not answer. One task of its own,
/// awaited by <see cref="DisposeAsync"/>; what is lost with a crash is told again.
/// </summary>
internal sealed class HaveAnnouncer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ContentId, (FetchSource Source, ConcurrentQueue<int> Chunks)> _changes =
        new();
    private readonly Dictionary<(MountCatalog Mount, string Key), ObjectVersion> _untold = [];
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
                    change.Source.Catalog, change.Source.Key, change.Source.Version,
                    [.. change.Chunks.Distinct().Order()], replacesAll: false).ConfigureAwait(false);
        foreach (var ((mount, key), version) in _untold.ToArray())
        {
            _untold.Remove((mount, key));
            await TellPresentAsync(mount, key, version).ConfigureAwait(false);
        }
    }

    private async Task TellAllAsync()
    {
        foreach (var mount in _mounts.All.Where(mount => mount.Store is not null))
            foreach (var name in mount.Names.All())
                if (_store.PresentBytesOf(name.Version.Id) > 0)
                    await TellPresentAsync(mount, name.Key, name.Version).ConfigureAwait(false);
    }

    private async Task TellPresentAsync(MountCatalog mount, string key, ObjectVersion version)
    {
        ImmutableArray<int> chunks;
        using (var lease = await _store.LeaseAsync(version.Id, _stopping.Token).ConfigureAwait(false))
        {
            if (lease is null)
                return;
            chunks = [.. Enumerable.Range(0, lease.Version.ChunkCount).Where(lease.Version.Has)];
        }

        await TellAsync(mount, key, version, chunks, replacesAll: true).ConfigureAwait(false);
    }

    private async Task TellAsync(
        MountCatalog mount, string key, ObjectVersion version, ImmutableArray<int> chunks, bool replacesAll)
    {
        var have = new HaveQuestion(
            new PeerPlace(mount.Store!, mount.FullKey(key)), version.Id, version.SizeBytes, PeerHome.ToBits(chunks), [],
            replacesAll);
        if (!await _home.TellAsync(have, _stopping.Token).ConfigureAwait(false))
            _untold[(mount, key)] = version;
    }
}
