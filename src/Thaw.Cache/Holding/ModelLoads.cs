using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Cache.Verifying;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage;

namespace Thaw.Cache.Holding;

/// <summary>
/// Whole versions loaded in the background because someone opened a file: one load for each version, the shards of one
/// model together. Owns every load's task and awaits it when disposed.
/// </summary>
internal sealed class ModelLoads : IAsyncDisposable
{
    private readonly Dictionary<string, ModelLoad> _models = [];
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _chunks;
    private readonly ChunkStore _store;
    private readonly FlightTable _flights;
    private readonly VersionVerifier _verifier;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;

    public ModelLoads(
        ChunkStore store, FlightTable flights, VersionVerifier verifier, TimeProvider clock, ILogger<ModelLoads> logger)
    {
        (_store, _flights, _verifier, _clock, _logger) = (store, flights, verifier, clock, logger);
        _chunks = new SemaphoreSlim((int)Math.Max(2, flights.Buffers.CapacityBytes / 2 / Geometry.ChunkBytes));
    }

    /// <summary>The load that a version belongs to; it is left once.</summary>
    public ModelLoad Join(FetchSource source)
    {
        var key = ShardName.TryParse(source.Key, out var shard)
            ? $"{source.Catalog.Config.Name}/{shard.Stem}*{shard.Count}{shard.Extension}"
            : source.Version.Id.ToString();
        lock (_gate)
        {
            // Loads that ended after their last file was closed.
            foreach (var idle in _models.Values.Where(model => model.IsIdle && model.Key != key).ToArray())
                _models.Remove(idle.Key);
            if (!_models.TryGetValue(key, out var model))
                _models.Add(key, model = new ModelLoad(this, key, _clock));
            model.Enter();
            return model;
        }
    }

    /// <summary>A file was closed.</summary>
    public void Leave(ModelLoad model)
    {
        lock (_gate)
        {
            model.Exit();
            Forget(model);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Task[] running;
        lock (_gate)
            running = [.. _models.Values.SelectMany(model => model.Running)];
        await Task.WhenAll(running).ConfigureAwait(false);
        _chunks.Dispose();
        _stopping.Dispose();
    }

    internal Task<bool> Start(ModelLoad model, FetchSource source, FetchPriority priority) =>
        Task.Run(() => RunAsync(model, source, priority));

    internal Task StartSiblings(ModelLoad model, FetchSource source, ShardName shard) =>
        Task.Run(() => RunSiblingsAsync(model, source, shard));

    private void Forget(ModelLoad model)
    {
        if (model.IsIdle)
            _models.Remove(model.Key);
    }

    private async Task RunSiblingsAsync(ModelLoad model, FetchSource source, ShardName shard)
    {
        try
        {
            for (var step = 1; step < shard.Count && model.IsWanted; step++)
            {
                // In order of the numbers, from the shard that was opened first, and then from the front.
                var key = shard.KeyOf((shard.Index - 1 + step) % shard.Count + 1);
                var resolved = await source.Catalog.ResolveAsync(key, _stopping.Token).ConfigureAwait(false);
                if (resolved.TryGet(out var version, out _))
                    await model.LoadAsync(new FetchSource(source.Catalog, key, version), FetchPriority.Job)
                        .ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            Log.Stopped(_logger, source.Key);
        }
    }

    private async Task<bool> RunAsync(ModelLoad model, FetchSource source, FetchPriority priority)
    {
        try
        {
            if (await LoadAsync(model, source, priority).ConfigureAwait(false) is { } failure)
            {
                Log.NotLoaded(_logger, source.Key, source.Catalog.Config.Name, failure.Message);
                return false;
            }

            return await _verifier.WaitAsync(source, source.Catalog.Config.VerifyOrigin, _stopping.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Log.Stopped(_logger, source.Key);
            return false;
        }
    }

    private async Task<Failure?> LoadAsync(ModelLoad model, FetchSource source, FetchPriority priority)
    {
        var (id, size) = (source.Version.Id, source.Version.SizeBytes);
        if (size == 0)
            return null;
        if (size > _store.Capacity)
            return TooLarge;
        var leased = await _store.LeaseOrCreateAsync(source.Version, _stopping.Token).ConfigureAwait(false);
        if (!leased.TryGet(out var lease, out var refused))
            return refused;
        var pending = new List<Task>();
        var failure = new FirstFailure();
        try
        {
            for (var chunk = 0; chunk < Geometry.ChunkCount(size) && failure.Value is null; chunk++)
            {
                if (!model.IsWanted)
                    return Unwanted;
                if (_store.Has(id, chunk))
                    continue;
                await _chunks.WaitAsync(_stopping.Token).ConfigureAwait(false);
                pending.Add(LoadChunkAsync(source, chunk, priority, failure));
                pending.RemoveAll(task => task.IsCompletedSuccessfully);
            }
        }
        finally
        {
            await Task.WhenAll(pending).ConfigureAwait(false);
            lease.Dispose();
        }

        return failure.Value;
    }

    private async Task LoadChunkAsync(FetchSource source, int chunk, FetchPriority priority, FirstFailure failure)
    {
        try
        {
            if (_flights.Join(source, chunk, priority, OriginCause.Reader) is not { } flight)
                return;
            try
            {
                var settled = await flight.Settled.WaitAsync(_stopping.Token).ConfigureAwait(false);
                failure.Value = settled.Failure ?? (settled.Value ? null : NotKept);
            }
            finally
            {
                _flights.Leave(flight);
            }
        }
        catch (OperationCanceledException)
        {
            failure.Value = Unwanted;
        }
        finally
        {
            _chunks.Release();
        }
    }

    private static readonly Failure TooLarge = new(FailureKind.DiskFull, "it is larger than the whole cache");

    private static readonly Failure NotKept =
        new(FailureKind.DiskFull, "the cache is full of pinned or open versions, or its disk fails; see thaw doctor");

    private static readonly Failure Unwanted = new(FailureKind.Stopping, "nobody has it open any more");

    /// <summary>The first failure of many tasks stays.</summary>
    private sealed class FirstFailure
    {
        private Failure? _value;

        public Failure? Value
        {
            get => Volatile.Read(ref _value);
            set => Interlocked.CompareExchange(ref _value, value, null);
        }
    }
}
