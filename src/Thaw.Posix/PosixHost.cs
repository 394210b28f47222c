using Microsoft.Extensions.Logging;
using Thaw.Core.Api;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Posix;

/// <summary>
/// The face of the room: the trees that this node has mounted. One that someone else unmounts is forgotten. Any thread;
/// mounting and unmounting go one after the other.
/// </summary>
public sealed class PosixHost : IPosixControl, IAsyncDisposable
{
    /// <summary>More than can wait for a turn at once.</summary>
    private const int WaitersMost = 1 << 20;

    private readonly Dictionary<string, PosixMount> _mounts = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();
    private readonly PosixCounters _counters = new();
    private readonly IModelReader _models;
    private readonly IModelFiles _files;
    private readonly PosixConfig _config;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private volatile bool _stopped;

    /// <param name="models">Names and listings.</param>
    /// <param name="files">Held versions.</param>
    /// <param name="config">Where to mount at start, and how.</param>
    /// <param name="logger">Logger.</param>
    /// <param name="clock">Clock.</param>
    public PosixHost(
        IModelReader models, IModelFiles files, PosixConfig config, ILogger<PosixHost> logger, TimeProvider clock) =>
        (_models, _files, _config, _logger, _clock) = (models, files, config, logger, clock);

    /// <summary>Mounts what is configured; an <see cref="IOException"/> says why that cannot be.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_config.Path is not { } path)
            return;
        var mounted = await SetAsync(new PosixRequest(path), mounted: true, cancellationToken).ConfigureAwait(false);
        if (mounted.Failure is { } failure)
            throw new IOException($"posix.path: {failure.Message}");
    }

    /// <inheritdoc />
    public PosixStats GetStats()
    {
        lock (_gate)
            return new PosixStats(_counters.PassthroughOpens, _counters.OpenedBytes, _counters.ReadBytes)
            {
                CachedOpens = _counters.CachedOpens,
                OpenFiles = _mounts.Values.Sum(mount => mount.OpenFiles),
                Nodes = _mounts.Values.Sum(mount => mount.Nodes),
                HiddenNames = _mounts.Values.Sum(mount => mount.HiddenNames),
            };
    }

    /// <inheritdoc />
    public async ValueTask<Result<PosixStatus>> SetAsync(
        PosixRequest request, bool mounted, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(request.Path) || !Path.IsPathRooted(request.Path)
            || request.Path.Contains('\0', StringComparison.Ordinal))
            return new Failure(FailureKind.InvalidRequest, $"\"{request.Path}\" is no absolute path; write one.");
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Path));
        if (_stopped)
            return Stopping;
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return mounted
                ? await MountAsync(path, cancellationToken).ConfigureAwait(false)
                : await UnmountAsync(path).ConfigureAwait(false);
        }
        finally
        {
            if (!_stopped)
                _turn.Release();
        }
    }

    /// <summary>Unmounts everything.</summary>
    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            _stopped = true;
            PosixMount[] mounts;
            lock (_gate)
            {
                mounts = [.. _mounts.Values];
                _mounts.Clear();
            }

            await Task.WhenAll(mounts.Select(mount => mount.DisposeAsync().AsTask())).ConfigureAwait(false);
        }
        finally
        {
            // Whoever still waits for a turn finds the host stopped.
            _turn.Release(WaitersMost);
            _turn.Dispose();
        }
    }

    private async ValueTask<Result<PosixStatus>> MountAsync(string path, CancellationToken cancellationToken)
    {
        if (_stopped)
            return Stopping;
        if (Find(path) is { } known)
            return StatusOf(known, mounted: true);
        try
        {
            var mount = await PosixMount.StartAsync(
                path, _models, _files, _counters, new PosixSettings(_config.OpenWait), _clock, _logger,
                cancellationToken).ConfigureAwait(false);
            lock (_gate)
                _mounts.Add(path, mount);
            return StatusOf(mount, mounted: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.NotAllowed, error.Message);
        }
        catch (TimeoutException)
        {
            return new Failure(
                FailureKind.Busy, $"The kernel did not answer after mounting {path}; look at its log.");
        }
    }

    private async ValueTask<Result<PosixStatus>> UnmountAsync(string path)
    {
        if (Find(path) is not { } mount)
            return new Failure(FailureKind.NotFound, $"This node has nothing mounted at {path}.");
        var status = StatusOf(mount, mounted: false);
        lock (_gate)
            _mounts.Remove(path);
        await mount.DisposeAsync().ConfigureAwait(false);
        return status;
    }

    /// <summary>The mount at a path; one that is gone by another's hand is none.</summary>
    private PosixMount? Find(string path)
    {
        lock (_gate)
        {
            if (!_mounts.TryGetValue(path, out var mount))
                return null;
            if (!mount.Ended.IsCompleted)
                return mount;
            Mounting.Log.Gone(_logger, path);
            _mounts.Remove(path);
            return null;
        }
    }

    private static readonly Failure Stopping =
        new(FailureKind.Stopping, "The node is stopping; ask another one.");

    private static PosixStatus StatusOf(PosixMount mount, bool mounted) =>
        new(mount.Path, mounted, mount.HasPassthrough, mount.OpenFiles);
}
