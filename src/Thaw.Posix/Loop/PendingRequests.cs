using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>
/// The requests that wait for something, by the kernel's number of them. Owns their handlers' tasks and awaits them
/// when disposed. Any thread.
/// <para>An INTERRUPT may be read by another thread before its request is entered here: a few such numbers are
/// remembered.</para>
/// </summary>
internal sealed class PendingRequests(TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private const int MostEarly = 64;

    private readonly ConcurrentDictionary<ulong, PendingRequest> _requests = new();
    private readonly ConcurrentDictionary<long, Task> _background = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly Queue<ulong> _early = new();
    private long _nextTask;
    private volatile bool _stopped;

    /// <summary>Requests that wait.</summary>
    public int Count => _requests.Count;

    /// <summary>Handles a request in the background.</summary>
    public void Run(in Request request, Func<PendingRequest, Task> handle)
    {
        var pending = new PendingRequest(request.Channel, request.Unique, Limits.PosixAnswer, clock);
        _requests[pending.Unique] = pending;
        if (_stopped)
            pending.Stop();
        else if (WasInterrupted(pending.Unique))
            pending.Interrupt();
        pending.Handler = Task.Run(() => HandleAsync(pending, handle));
    }

    /// <summary>The kernel gives up on a request.</summary>
    public void Interrupt(ulong unique)
    {
        if (_requests.TryGetValue(unique, out var pending))
        {
            pending.Interrupt();
            return;
        }

        lock (_gate)
        {
            _early.Enqueue(unique);
            if (_early.Count > MostEarly)
                _early.Dequeue();
        }

        // It may have been entered in this moment.
        if (_requests.TryGetValue(unique, out pending))
            pending.Interrupt();
    }

    /// <summary>Awaits a task that belongs to no request when this is disposed, which cancels it.</summary>
    public void Track(Func<CancellationToken, Task> work)
    {
        var id = Interlocked.Increment(ref _nextTask);
        var started = new TaskCompletionSource();
        _background[id] = RunAsync();
        started.SetResult();

        async Task RunAsync()
        {
            await started.Task.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            try
            {
                await work(_stopping.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stopped)
            {
                Log.Ended(logger);
            }
            catch (Exception error)
            {
                Log.Broke(logger, error);
            }
            finally
            {
                _background.TryRemove(id, out _);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _stopped = true;
        foreach (var (_, pending) in _requests)
            pending.Stop();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_requests.Values.Select(pending => pending.Handler)).ConfigureAwait(false);
        await Task.WhenAll(_background.Values).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task HandleAsync(PendingRequest pending, Func<PendingRequest, Task> handle)
    {
        try
        {
            await handle(pending).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (pending.Cancelled.IsCancellationRequested)
        {
            Log.Ended(logger);
        }
        catch (Exception error)
        {
            Log.Broke(logger, error);
        }
        finally
        {
            pending.Fail(Errno.Io);
            _requests.TryRemove(pending.Unique, out _);
            pending.Dispose();
        }
    }

    private bool WasInterrupted(ulong unique)
    {
        lock (_gate)
            return _early.Contains(unique);
    }
}
