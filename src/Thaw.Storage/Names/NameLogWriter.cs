using Microsoft.Extensions.Logging;
using Thaw.Core;

namespace Thaw.Storage.Names;

/// <summary>
/// The one thread that writes a names log: appends changes as they come, times once a minute, syncs every 5 s,
/// compacts.
/// <para>
/// Invariants: only this thread touches the file, so that a stuck disk holds up no other; it takes marks from
/// <see cref="NameState"/>, logs the keys' present
/// state, and puts the marks back if that failed, so that memory and log agree again once the disk does. A failure is
/// logged once, tried again every <see cref="RetryAfter"/>, and never reaches a caller of the table. A flush is
/// answered when all that was changed before it is synced, or has failed.
/// </para>
/// </summary>
internal sealed partial class NameLogWriter : IAsyncDisposable
{
    /// <summary>Dead bytes below which a log is not worth compacting.</summary>
    public const long CompactBytes = 1 << 20;

    /// <summary>Times are logged at most once in this time for each key.</summary>
    public static readonly TimeSpan TouchEvery = TimeSpan.FromMinutes(1);

    /// <summary>After a failure nothing is tried for this long.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);

    private readonly NameLogFile _file;
    private readonly NameState _state;
    private readonly string _mount;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private readonly Task _running;
    private readonly AutoResetEvent _wake = new(initialState: false);

    private readonly Lock _flushGate = new();
    private List<TaskCompletionSource<bool>> _flushes = [];
    private long _lastTouches;
    private volatile bool _syncIsDue;
    private volatile bool _isClosing;
    private long _lastFailure;
    private long _liveBytes;
    private volatile string? _problem;

    public NameLogWriter(string mount, NameLogFile file, NameState state, TimeProvider time, ILogger logger)
    {
        (_mount, _file, _state, _time, _logger) = (mount, file, state, time, logger);
        _lastTouches = time.GetTimestamp();
        _running = Task.Factory.StartNew(
            Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _timer = time.CreateTimer(_ => SyncIsDue(), null, Limits.DurableBatchTime, Limits.DurableBatchTime);
        Wake();
    }

    /// <summary>Why the log cannot be written at present; null: it can.</summary>
    public string? Problem => _problem;

    /// <summary>Says that something changed.</summary>
    public void Wake() => _wake.Set();

    /// <summary>True once all earlier changes are on disk, false if the log cannot be written.</summary>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken)
    {
        var flush = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_flushGate)
            _flushes.Add(flush);
        Wake();
        await Task.WhenAny(flush.Task, _running).WaitAsync(cancellationToken);
        return flush.Task.IsCompletedSuccessfully && await flush.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        _isClosing = true;
        Wake();
        try
        {
            await _running.WaitAsync(Limits.NamesClose);
            _file.Dispose();
            _wake.Dispose();
        }
        catch (TimeoutException)
        {
            // The disk is stuck inside a system call; the handle stays open until that returns or the process ends.
            LogStuck(_logger, _mount, _file.Path);
        }
    }

    private void SyncIsDue()
    {
        _syncIsDue = true;
        Wake();
    }

    private void Run()
    {
        _liveBytes = LiveBytes();
        while (!_isClosing)
        {
            _wake.WaitOne();
            if (!_isClosing)
                Step(closing: false);
        }

        Step(closing: true);
    }

    private void Step(bool closing)
    {
        List<TaskCompletionSource<bool>> flushes;
        lock (_flushGate)
            (flushes, _flushes) = (_flushes, []);
        var urgent = closing || flushes.Count > 0;
        var written = false;
        if (urgent || _problem is null || _time.GetElapsedTime(_lastFailure) >= RetryAfter)
            written = TryWrite(urgent);
        foreach (var flush in flushes)
            flush.TrySetResult(written);
    }

    private bool TryWrite(bool urgent)
    {
        var touches = urgent || _time.GetElapsedTime(_lastTouches) >= TouchEvery;
        var taken = _state.Take(touches);
        try
        {
            if (_file.NeedsRewrite)
                Rewrite();
            else
                Append(taken);
            if (touches)
                _lastTouches = _time.GetTimestamp();
            if (urgent || _syncIsDue)
            {
                _syncIsDue = false;
                _file.Sync();
            }

            CompactIfWorthwhile();
            if (_problem is not null)
                LogRecovered(_logger, _mount, _file.Path);
            _problem = null;
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _file.Discard();
            _state.PutBack(taken);
            _lastFailure = _time.GetTimestamp();
            if (_problem is null)
                LogFailed(_logger, _mount, _file.Path, failure.Message);
            _problem = $"The names log {_file.Path} cannot be written ({failure.Message}); names are kept in memory "
                + "and written once it can be: check the disk's space and health.";
            return false;
        }
    }

    private void Append(Dictionary<string, NameChange> taken)
    {
        foreach (var (key, change) in taken)
        {
            if (!_state.Index.TryFind(key, out var name))
                _file.Append((target, seed) => NameRecord.WriteRemove(target, seed, key));
            else if (change.HasFlag(NameChange.Whole))
                _file.Append((target, seed) => NameRecord.WritePut(target, seed, name));
            else
                AppendParts(change, name);
        }

        _file.Flush();
    }

    private void AppendParts(NameChange change, PackedName name)
    {
        if (change.HasFlag(NameChange.Pin))
            _file.Append((target, seed) => NameRecord.WritePin(target, seed, name));
        if (change.HasFlag(NameChange.Touch))
            _file.Append((target, seed) => NameRecord.WriteTouch(target, seed, name));
    }

    // Counting what lives costs a walk over all names, so it is done only once the log has doubled since the last one.
    private void CompactIfWorthwhile()
    {
        var bytes = _file.End - NameLogHeader.Bytes;
        if (bytes - _liveBytes <= Math.Max(CompactBytes, _liveBytes))
            return;
        _liveBytes = LiveBytes();
        if (bytes - _liveBytes > Math.Max(CompactBytes, _liveBytes))
            Rewrite();
    }

    private void Rewrite()
    {
        var before = _file.End;
        _file.Rewrite(_state.Index.Pages.All);
        _liveBytes = _file.End - NameLogHeader.Bytes;
        LogRewritten(_logger, _mount, _file.Path, before, _file.End);
    }

    private long LiveBytes() => _state.Index.Pages.All.Sum(name => (long)NameRecord.PutLength(name));
}
