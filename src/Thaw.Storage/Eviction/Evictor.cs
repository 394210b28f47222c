using Thaw.Core;
using Thaw.Core.Identity;
using Thaw.Storage.Disks;
using Thaw.Storage.Versions;

namespace Thaw.Storage.Eviction;

/// <summary>
/// Does what <see cref="DiskSpace"/> decides: makes versions smaller or unlinks them, in the background between the
/// water marks, and for a writer that finds no room. A victim that is not sealed gives up its last chunks; a sealed one
/// goes whole.
/// <para>Owns a task that puts its work on a thread of the disk. Writers call from their own threads.</para>
/// <para>A crash between the entries' loss and the punch leaves bytes that nothing refers to inside a file; the next
/// write of the chunk, or the end of the version, takes them.</para>
/// </summary>
internal sealed class Evictor : IAsyncDisposable
{
    /// <summary>Sealed victims that the kernel spares in one pass.</summary>
    private const int AskedMost = 64;

    /// <summary>
    /// A writer waits so long for the room of an unlinked version that a sync holds open, before its chunk is not kept:
    /// below <see cref="Limits.DiskStuck"/>, above most syncs.
    /// </summary>
    private static readonly TimeSpan UnlinkedWait = TimeSpan.FromSeconds(2);

    private readonly DiskStore _disk;
    private readonly DiskSpace _space;
    private readonly IKeepRules _rules;
    private readonly DiskStoreLog _log;
    private readonly DiskQueue _thread;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Residency _residency;
    private readonly Task _running;
    private long _lastNotes;
    private long _lastExpiry;
    private long _asked;
    private long _answered;

    /// <param name="disk">The disk.</param>
    /// <param name="thread">Where background work is done.</param>
    /// <param name="rules">What stays and what expires.</param>
    /// <param name="log">Told of victims.</param>
    public Evictor(DiskStore disk, DiskQueue thread, IKeepRules rules, DiskStoreLog log)
    {
        (_disk, _space, _thread, _rules, _log) = (disk, disk.Space, thread, rules, log);
        _residency = new Residency(disk);
        (_lastNotes, _lastExpiry) = (disk.Clock.GetTimestamp(), disk.Clock.GetTimestamp());
        _space.Full = Wake;
        _running = RunAsync();
    }

    /// <summary>Whether all room that was asked for in the background has been made, as far as it can be.</summary>
    public bool IsIdle => Volatile.Read(ref _answered) == Volatile.Read(ref _asked);

    /// <summary>
    /// Takes room for bytes of a version that is held; makes some if there is none. On a thread of the disk. False:
    /// nothing can go.
    /// </summary>
    public bool TryReserve(ContentId id, long bytes)
    {
        while (!_space.TryReserve(id, bytes, out var victim))
        {
            if (victim is null)
                return false;
            GiveUp(victim, bytes);
            // What a sync still holds open counts as used for a moment more, and must not cost another version.
            if (!_space.WaitForUnlinked(bytes, UnlinkedWait))
                return false;
        }

        return true;
    }

    /// <summary>The disk is full although the accounts are not: others fill it too. On a thread of the disk.</summary>
    public bool TryMakeRoom(long bytes)
    {
        LookAtDisk();
        while (bytes > 0)
        {
            if (_space.NextVictim() is not { } victim)
                return false;
            bytes -= GiveUp(victim, bytes);
        }

        return true;
    }

    /// <summary>Another capacity is configured; what is too much goes in the background.</summary>
    public void SetCapacity(long bytes)
    {
        _space.SetCapacity(bytes, long.MaxValue);
        Wake();
    }

    /// <summary>Tells the next run what this one knows. On a thread of the disk.</summary>
    public void WriteNotes()
    {
        try
        {
            using var notes = _space.Note();
            notes.Write(_disk.Files, _disk.Root);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _log.NotesFailed(_disk.Root, error);
        }
    }

    /// <summary>What the last run knew. On a thread of the disk.</summary>
    /// <param name="wasClean">It wrote its notes as the last thing.</param>
    public void ReadNotes(bool wasClean)
    {
        try
        {
            if (HeatNotes.TryRead(_disk.Files, _disk.Root) is not { } notes)
                return;
            var (total, free) = wasClean ? default : _disk.Files.GetSpace(_disk.Root);
            _space.Expect(notes, total - free);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _log.NotesFailed(_disk.Root, error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _wake.Dispose();
        _stopping.Dispose();
    }

    private void Wake()
    {
        Interlocked.Increment(ref _asked);
        try
        {
            if (_wake.CurrentCount == 0)
                _wake.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // It is awake already, or the disk is closing.
            return;
        }
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Limits.SpaceReview, _disk.Clock);
        var tick = timer.WaitForNextTickAsync(_stopping.Token).AsTask();
        try
        {
            var woken = _wake.WaitAsync(_stopping.Token);
            while (true)
            {
                var first = await Task.WhenAny(tick, woken).ConfigureAwait(false);
                await first.ConfigureAwait(false);
                var isTick = first == tick;
                if (isTick)
                    tick = timer.WaitForNextTickAsync(_stopping.Token).AsTask();
                else
                    woken = _wake.WaitAsync(_stopping.Token);
                var asked = Volatile.Read(ref _asked);
                await _thread.RunAsync(() => Work(isTick), _stopping.Token).ConfigureAwait(false);
                Volatile.Write(ref _answered, asked);
            }
        }
        catch (OperationCanceledException)
        {
            return; // the disk is closing
        }
    }

    private bool Work(bool isTick)
    {
        try
        {
            if (isTick)
                Review();
            if (_space.KeptBytes > _space.HighWater)
                MakeRoomBelow(_space.LowWater);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _log.EvictionFailed(_disk.Root, error);
        }

        return true;
    }

    private void Review()
    {
        _space.Review();
        LookAtDisk();
        if (_rules.AnyExpires && _disk.Clock.GetElapsedTime(_lastExpiry) >= Limits.ExpiryReview)
        {
            _lastExpiry = _disk.Clock.GetTimestamp();
            Expire();
        }

        if (_disk.Clock.GetElapsedTime(_lastNotes) < Limits.HeatNotes)
            return;
        _lastNotes = _disk.Clock.GetTimestamp();
        WriteNotes();
    }

    /// <summary>
    /// Others fill the disk, or give it back: the cache keeps what they leave, less what they need soon.
    /// </summary>
    private void LookAtDisk()
    {
        var (total, free) = _disk.Files.GetSpace(_disk.Root);
        var margin = Math.Min(total / 100, Limits.DiskFreeMost);
        _space.SetCapacity(_space.Configured, Math.Max(0, _space.UsedBytes + free - margin));
    }

    private void Expire()
    {
        var now = _disk.Clock.GetUtcNow();
        foreach (var account in _space.Accounts.All)
        {
            var rule = _rules.Of(account.Id);
            if (_stopping.IsCancellationRequested)
                return;
            if (rule is { IsPinned: false, Ttl: { } ttl } && account.LastUsed > 0
                && now - DateTimeOffset.FromUnixTimeMilliseconds(account.LastUsed) > ttl
                && !_disk.IsInUse(account.Id))
                Drop(account.Id);
        }
    }

    private void MakeRoomBelow(long bytes)
    {
        var asked = 0;
        while (_space.KeptBytes > bytes && !_stopping.IsCancellationRequested)
        {
            if (_space.NextVictim() is not { } victim)
                return;
            if (asked < AskedMost && _residency.IsWarm(victim))
            {
                asked++;
                _space.NoteRead(victim.Id, victim.SizeBytes, victim.SizeBytes);
                continue;
            }

            GiveUp(victim, _space.KeptBytes - bytes);
        }
    }

    /// <summary>Gives back about so many bytes of a version, or all of it; returns how many.</summary>
    private long GiveUp(Account victim, long bytes)
    {
        try
        {
            if (Shrink(victim, bytes) is { } given)
                return given;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What is half punched goes whole.
            _log.EvictionFailed(_disk.Root, error);
        }

        return Drop(victim.Id);
    }

    /// <summary>Makes a version smaller; null if it has to go whole.</summary>
    private long? Shrink(Account victim, long bytes)
    {
        using (var lease = victim.Bytes > bytes ? _disk.LeaseNow(victim.Id) : null)
        {
            if (lease is { Version.IsSealed: false })
            {
                var punched = lease.Version.Punch.TryRun(bytes);
                if (punched is { } given)
                {
                    _space.Add(victim.Id, -given);
                    _disk.Counters.AddEvicted(given);
                    if (given > 0)
                        return given;
                }
                else
                {
                    // Somebody else holds it by now.
                    _space.SetAside(victim);
                    return 0;
                }
            }
        }

        return null;
    }

    private long Drop(ContentId id)
    {
        DiskQueue.NoteProgress();
        var dropped = _disk.Drop(id);
        if (_space.Accounts.Find(id) is { } still)
            _space.Park(still); // the disk does not unlink it now
        _disk.Counters.AddEvicted(dropped);
        _log.Evicted(id, dropped, _disk.Root);
        return dropped;
    }
}
