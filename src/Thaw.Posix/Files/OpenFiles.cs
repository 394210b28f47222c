using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Posix.Bindings;
using Thaw.Posix.Loop;
using Thaw.Posix.Tree;

namespace Thaw.Posix.Files;

/// <summary>
/// Opens, and what is open. A node stands for one version: a name that leads to another one by now, or a node that is
/// in use the other way, answers ESTALE, upon which the kernel looks the name up once more and finds a new node.
/// <para>A version that is whole and checked is sealed and opened by passthrough. Any other is loaded whole in the
/// background; the open waits for that while it is within reach, and else goes through the page cache.</para>
/// </summary>
internal sealed class OpenFiles(
    TreeNames names, IModelFiles files, NodeTable nodes, Backing backing, PosixCounters counters,
    PendingRequests pending, Notifier notifier, PosixSettings settings, TimeProvider clock)
{
    private const OpenFlags CachedFlags = OpenFlags.KeepCache | OpenFlags.NoFlush;
    private const OpenFlags PassthroughFlags = OpenFlags.Passthrough | OpenFlags.NoFlush;

    private readonly ConcurrentDictionary<ulong, OpenFile> _open = new();
    private ulong _lastHandle;

    public int Count => _open.Count;

    public bool TryGet(ulong handle, [NotNullWhen(true)] out OpenFile? file) => _open.TryGetValue(handle, out file);

    /// <summary>Answers an OPEN.</summary>
    public async Task OpenAsync(Node node, PendingRequest request)
    {
        var resolved = await names.ResolveAsync(node, request.Cancelled).ConfigureAwait(false);
        if (!resolved.TryGet(out var version, out var failure))
        {
            if (failure.Kind == FailureKind.NotFound)
                nodes.Detach(node);
            request.Fail(Errno.Of(failure.Kind));
            return;
        }

        if (!node.Is(TreeNames.FileOf(node.Name, version)))
        {
            nodes.Detach(node);
            request.Fail(Errno.Stale);
            return;
        }

        await OpenAsync(node, version, request).ConfigureAwait(false);
    }

    /// <summary>The kernel has let go of a handle.</summary>
    public void Release(ulong handle)
    {
        if (!_open.TryRemove(handle, out var file))
            return;
        Close(file.Node, file.Mode);
        file.Release();
    }

    /// <summary>Lets go of everything: the connection is gone.</summary>
    public void ReleaseAll()
    {
        foreach (var handle in _open.Keys)
            Release(handle);
    }

    private async Task OpenAsync(Node node, ObjectVersion version, PendingRequest request)
    {
        var (mount, key) = node.Locate();
        var held = await files.HoldAsync(new ObjectPath(mount, key), version, request.Cancelled)
            .ConfigureAwait(false);
        var handed = false;
        try
        {
            var opens = nodes.OpensOf(node);
            var id = opens.TryJoin();
            if (id == 0 && backing.IsUsable && await BecomesReadyAsync(held, request.Cancelled).ConfigureAwait(false)
                && await held.SealAsync(request.Cancelled).ConfigureAwait(false) is { } file)
            {
                id = opens.OpenPassthrough(() => backing.TryOpen(file));
                if (id == 0)
                {
                    // In use through the page cache: whoever comes now gets a node of their own.
                    nodes.Detach(node);
                    request.Fail(Errno.Stale);
                    return;
                }
            }

            handed = id > 0 ? AnswerPassthrough(node, held, id, request) : AnswerCached(node, held, request);
        }
        finally
        {
            if (!handed)
                held.Dispose();
        }
    }

    private bool AnswerPassthrough(Node node, IHeldFile held, int backingId, PendingRequest request)
    {
        if (!Answer(new OpenFile(node, held, OpenMode.Passthrough), PassthroughFlags, backingId, request))
            return false;
        counters.AddPassthroughOpen(node.SizeBytes);
        held.NotePassthrough();
        return true;
    }

    private bool AnswerCached(Node node, IHeldFile held, PendingRequest request)
    {
        if (!nodes.OpensOf(node).TryOpenCached())
        {
            nodes.Detach(node);
            request.Fail(Errno.Stale);
            return false;
        }

        // Once it is answered, its reader may let go of it at any moment.
        var file = new OpenFile(node, held, OpenMode.Cached);
        file.Use();
        try
        {
            if (!Answer(file, CachedFlags, 0, request))
                return false;
            counters.AddCachedOpen(node.SizeBytes);
            if (!IsSmall(held) && !held.IsReady)
            {
                var ready = held.LoadAsync();
                if (backing.IsUsable)
                    pending.Track(stopping => SwitchWhenReadyAsync(node, ready, stopping));
            }

            return true;
        }
        finally
        {
            file.Release();
        }
    }

    private bool Answer(OpenFile file, OpenFlags flags, int backingId, PendingRequest request)
    {
        var handle = Interlocked.Increment(ref _lastHandle);
        _open[handle] = file;
        var answer = new OpenOut { Handle = handle, Flags = flags, BackingId = backingId };
        if (request.Answer(in answer))
            return true;
        // Whoever asked is gone, and nobody will release this handle.
        _open.TryRemove(handle, out _);
        Close(file.Node, file.Mode);
        return false;
    }

    /// <summary>Once the version is whole, its name leads to a new node, which is opened by passthrough.</summary>
    private async Task SwitchWhenReadyAsync(Node node, Task<bool> ready, CancellationToken stopping)
    {
        if (!await ready.WaitAsync(stopping).ConfigureAwait(false) || node.Opens is not { Cached: > 0 }
            || !node.IsCurrent)
            return;
        nodes.Detach(node);
        notifier.Forget(node.Parent!.Id, node.Name);
    }

    /// <summary>Small versions live inside other files: there is nothing to hand to the kernel.</summary>
    private static bool IsSmall(IHeldFile held) => held.Version.SizeBytes <= Geometry.InlineBytes;

    private void Close(Node node, OpenMode mode)
    {
        if (node.Opens!.Close(mode) is var id and > 0)
            backing.Close(id);
    }

    /// <summary>
    /// Whether the version is ready, or is so within the time an open may wait: the wait ends early when what is loaded
    /// so far shows that it would be too long.
    /// </summary>
    private async Task<bool> BecomesReadyAsync(IHeldFile held, CancellationToken cancellationToken)
    {
        if (held.IsReady)
            return true;
        if (IsSmall(held))
            return false;
        var ready = held.LoadAsync();
        var begun = clock.GetTimestamp();
        var before = held.CachedBytes;
        while (true)
        {
            var left = settings.OpenWait - clock.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero)
                return held.IsReady;
            var step = left < Step ? left : Step;
            try
            {
                return await ready.WaitAsync(step, clock, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                var loaded = held.CachedBytes - before;
                var missing = held.Version.SizeBytes - held.CachedBytes;
                var passed = clock.GetElapsedTime(begun);
                // At the pace so far, with half of it as leeway for a slow start.
                if (passed >= 2 * Step && missing > 1.5 * loaded * (settings.OpenWait / passed))
                    return false;
            }
        }
    }

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);
}
