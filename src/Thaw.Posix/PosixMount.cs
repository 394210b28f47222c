using Microsoft.Extensions.Logging;
using Thaw.Core.Contracts;
using Thaw.Posix.Bindings;
using Thaw.Posix.Files;
using Thaw.Posix.Loop;
using Thaw.Posix.Mounting;
using Thaw.Posix.Tree;

namespace Thaw.Posix;

/// <summary>
/// The tree at one directory: a connection, its loop and what answers. Start once, stop once.
/// <para>A crash leaves a dead mount, which the next start takes away; files that were opened by passthrough go on
/// working without anyone.</para>
/// </summary>
internal sealed class PosixMount : IAsyncDisposable
{
    private static readonly TimeSpan FirstRequest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastRequest = TimeSpan.FromSeconds(2);

    private readonly MountPoint _point;
    private readonly FuseLoop _loop;
    private readonly NodeTable _nodes = new();
    private readonly ReplyBuffers _buffers = new();
    private readonly PendingRequests _pending;
    private readonly Notifier _notifier;
    private readonly Backing _backing;
    private readonly OpenFiles _files;
    private readonly TreeRequests _tree;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isStopping;

    private PosixMount(
        MountPoint point, IModelReader models, IModelFiles files, PosixCounters counters, PosixSettings settings,
        TimeProvider clock, ILogger logger)
    {
        (_point, _logger) = (point, logger);
        _pending = new PendingRequests(clock, logger);
        _notifier = new Notifier(point.Channel);
        _backing = new Backing(point.Channel, logger);
        var names = new TreeNames(models, clock);
        _files = new OpenFiles(names, files, _nodes, _backing, counters, _pending, _notifier, settings, clock);
        _tree = new TreeRequests(
            new TreeParts(_nodes, names, files, counters, clock), _pending, _buffers, _files, clock);
        _loop = new FuseLoop(point.Channel, point.Path, Handle, logger);
    }

    public string Path => _point.Path;

    /// <summary>Whether complete versions are read at the speed of the disk.</summary>
    public bool HasPassthrough => _backing.IsUsable;

    public long HiddenNames => _nodes.HiddenNames;

    public int Nodes => _nodes.Count;

    public int OpenFiles => _files.Count;

    /// <summary>Ends when the mount is gone, by whoever's hand.</summary>
    public Task Ended => _loop.Ended;

    /// <summary>Whether this end was asked for.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>Mounts; an <see cref="IOException"/> says why it cannot be.</summary>
    public static async Task<PosixMount> StartAsync(
        string path, IModelReader models, IModelFiles files, PosixCounters counters, PosixSettings settings,
        TimeProvider clock, ILogger logger, CancellationToken cancellationToken)
    {
        var point = await MountPoint.MountAsync(path, logger).ConfigureAwait(false);
        var mount = new PosixMount(point, models, files, counters, settings, clock, logger);
        mount._loop.Start();
        try
        {
            await mount._started.Task.WaitAsync(FirstRequest, cancellationToken).ConfigureAwait(false);
            await Task.Run(point.SetReadAhead, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await mount.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        Mounting.Log.Mounted(logger, path, mount.HasPassthrough ? "with passthrough" : "without passthrough");
        return mount;
    }

    /// <summary>
    /// Unmounts. What is in use is detached and answered no longer: readers of the page cache get errors, those of
    /// passthrough go on.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        await _point.UnmountAsync().ConfigureAwait(false);
        _notifier.Dispose();
        await _pending.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAny(_loop.Ended, Task.Delay(LastRequest)).ConfigureAwait(false);
        if (!_loop.Ended.IsCompleted)
        {
            Mounting.Log.Left(_logger, Path);
            return;
        }

        _files.ReleaseAll();
        _loop.Dispose();
        _buffers.Dispose();
        Mounting.Log.Unmounted(_logger, Path);
    }

    private void Handle(in Request request)
    {
        if (request.Header.Opcode == Opcode.Init)
            Begin(in request);
        else
            _tree.Handle(in request);
    }

    private void Begin(in Request request)
    {
        var asked = request.Read<InitIn>();
        var answer = Negotiation.Answer(in asked);
        _backing.IsOffered = Negotiation.HasPassthrough(in answer);
        if (request.Answer(in answer))
            _started.TrySetResult();
    }
}
