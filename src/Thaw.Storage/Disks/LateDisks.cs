using Thaw.Storage.Versions;

namespace Thaw.Storage.Disks;

/// <summary>
/// The disks that could not be opened with the store: each is tried again every few seconds until it is, and then
/// joins the others. One task, owned by the store; it never touches a disk itself.
/// </summary>
internal sealed class LateDisks : IAsyncDisposable
{
    private readonly DiskStoreLog _log;
    private readonly Func<DiskStore, CancellationToken, Task> _add;
    private readonly TimeSpan _period;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile DiskOpening[] _openings;

    /// <param name="openings">The disks.</param>
    /// <param name="context">What all disks share.</param>
    /// <param name="add">Takes one that is open; ends when its versions are known.</param>
    public LateDisks(
        IReadOnlyList<DiskOpening> openings, StoreContext context, Func<DiskStore, CancellationToken, Task> add)
    {
        (_openings, _add, _period) = ([.. openings], add, context.Thresholds.Probe);
        _log = new DiskStoreLog(context.Logger);
        foreach (var opening in openings)
            _log.NotOpened(opening.Path, opening.Error?.Message ?? "it does not answer");
        _running = openings.Count == 0 ? Task.CompletedTask : RunAsync();
    }

    /// <summary>Directories that are not open.</summary>
    public IEnumerable<string> Paths => _openings.Select(opening => opening.Path);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(_period);
        try
        {
            while (_openings.Length > 0 && await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false))
            {
                foreach (var opening in _openings)
                {
                    opening.Begin();
                    if (opening.Opened is not { } disk)
                        continue;
                    _openings = [.. _openings.Where(other => other != opening)];
                    await _add(disk, _stopping.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return; // the store is being closed
        }
    }
}
