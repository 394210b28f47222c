namespace Thaw.Endpoints.S3;

/// <summary>
/// Makes an S3 endpoint as slow as a distant origin: a token bucket over the body bytes of all connections, and a
/// latency before each answer. Any thread; turns are given in order of asking, so connections share alike.
/// </summary>
/// <param name="bytesPerSecond">Most body bytes a second, all connections together; more than 0.</param>
/// <param name="latency">Wait before each answer.</param>
internal sealed class S3Throttle(long bytesPerSecond, TimeSpan latency)
{
    /// <summary>
    /// What may be sent at once after a pause: timers wake up late, and the rate must hold all the same.
    /// </summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly long _bytesPerSecond = bytesPerSecond > 0
        ? bytesPerSecond
        : throw new ArgumentOutOfRangeException(nameof(bytesPerSecond), bytesPerSecond, "A rate is more than 0.");

    private TimeSpan _paidUntil = TimeSpan.MinValue;

    /// <summary>Waits as long as the road to a distant origin takes.</summary>
    public Task DelayAnswerAsync(TimeProvider time, CancellationToken cancellationToken) =>
        latency > TimeSpan.Zero ? Task.Delay(latency, time, cancellationToken) : Task.CompletedTask;

    /// <summary>Waits until these bytes may leave.</summary>
    public Task TakeAsync(int bytes, TimeProvider time, CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_lock)
        {
            var now = time.GetElapsedTime(0);
            var earliest = now - Burst;
            if (_paidUntil < earliest)
                _paidUntil = earliest;
            _paidUntil += TimeSpan.FromSeconds((double)bytes / _bytesPerSecond);
            wait = _paidUntil - now;
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellationToken) : Task.CompletedTask;
    }
}
