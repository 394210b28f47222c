using Thaw.Cache.Fetching;
using Thaw.Core;
using Thaw.Core.Identity;

namespace Thaw.Cache.Holding;

/// <summary>
/// The background loads of one model: those of the versions that are open, and behind them those of its other shards.
/// Any thread; it is wanted while a file of it is open and for a while after that, since loaders close a shard before
/// they open the next.
/// </summary>
internal sealed class ModelLoad(ModelLoads owner, string key, TimeProvider clock)
{
    private readonly Dictionary<ContentId, Task<bool>> _versions = [];
    private readonly Lock _gate = new();
    private Task? _siblings;
    private int _open;
    private long _lastLeft;

    public string Key => key;

    /// <summary>Whether anyone would miss it.</summary>
    public bool IsWanted =>
        Volatile.Read(ref _open) > 0 || clock.GetElapsedTime(Volatile.Read(ref _lastLeft)) < Limits.LoadLinger;

    /// <summary>Whether nothing is open and nothing runs.</summary>
    public bool IsIdle => Volatile.Read(ref _open) == 0 && Running.All(task => task.IsCompleted);

    /// <summary>The tasks of all loads, ended ones too.</summary>
    public IReadOnlyList<Task> Running
    {
        get
        {
            lock (_gate)
                return _siblings is { } siblings ? [.. _versions.Values, siblings] : [.. _versions.Values];
        }
    }

    public void Enter() => Interlocked.Increment(ref _open);

    public void Exit()
    {
        Volatile.Write(ref _lastLeft, clock.GetTimestamp());
        Interlocked.Decrement(ref _open);
    }

    /// <summary>Loads an open version, and starts on the model's other shards.</summary>
    public Task<bool> ReadyAsync(FetchSource source)
    {
        var ready = LoadAsync(source, FetchPriority.ReadAhead);
        lock (_gate)
            if (_siblings is null && ShardName.TryParse(source.Key, out var shard) && shard.Count > 1)
                _siblings = owner.StartSiblings(this, source, shard);
        return ready;
    }

    /// <summary>The load of one version: the one that runs, or a new one if the last one has ended.</summary>
    public Task<bool> LoadAsync(FetchSource source, FetchPriority priority)
    {
        lock (_gate)
        {
            if (_versions.TryGetValue(source.Version.Id, out var load) && !load.IsCompleted)
                return load;
            return _versions[source.Version.Id] = owner.Start(this, source, priority);
        }
    }
}
