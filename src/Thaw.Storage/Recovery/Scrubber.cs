using Thaw.Core.Identity;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Recovery;

/// <summary>
/// Finds rot that nobody reads: goes through one disk's chunks, one version after the other, and checks each block as
/// it is on the medium, past the page cache, at a bounded rate. A chunk with bad blocks is lost like one that a reader
/// finds, and whoever wants it next fetches those blocks.
/// <para>One task, owned by the disk; each chunk is read on the disk's scan thread, so that readers never wait for it.
/// It keeps nothing: after a restart it begins anew, at another version.</para>
/// </summary>
internal sealed class Scrubber : IAsyncDisposable
{
    private readonly DiskStore _disk;
    private readonly ScrubPace _pace;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public Scrubber(DiskStore disk, ScrubPace pace)
    {
        (_disk, _pace) = (disk, pace);
        _running = RunAsync(_stopping.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            await Task.Delay(_pace.Delay, _disk.Clock, stopping).ConfigureAwait(false);
            while (true)
            {
                var started = _disk.Clock.GetTimestamp();
                // A dictionary of hashes comes in another order in each run: no version is always the last one.
                foreach (var id in _disk.Accounts.All.Select(account => account.Id).ToArray())
                    await ScrubAsync(id, stopping).ConfigureAwait(false);
                var rest = _pace.Cycle - _disk.Clock.GetElapsedTime(started);
                await Task.Delay(rest > TimeSpan.Zero ? rest : TimeSpan.Zero, _disk.Clock, stopping)
                    .ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the disk is being closed
        }
    }

    /// <summary>A lease for each chunk alone: a version under scrub can be evicted like any other.</summary>
    private async Task ScrubAsync(ContentId id, CancellationToken stopping)
    {
        for (var chunk = 0; ; chunk++)
        {
            var (started, bytes) = (_disk.Clock.GetTimestamp(), 0);
            using (var lease = await _disk.LeaseAsync(id, stopping, isUse: false).ConfigureAwait(false))
            {
                if (lease is null || chunk >= lease.Version.ChunkCount)
                    return;
                var (version, index) = (lease.Version, chunk);
                bytes = await _disk.Scanners.RunAsync(() => version.Scrub.Run(index), stopping).ConfigureAwait(false);
            }

            _disk.Counters.AddScrubbed(bytes);
            var rest = TimeSpan.FromSeconds((double)bytes / _pace.BytesPerSecond) - _disk.Clock.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
                await Task.Delay(rest, _disk.Clock, stopping).ConfigureAwait(false);
        }
    }
}
