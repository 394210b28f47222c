namespace Thaw.Cache.Jobs;

/// <summary>Spreads a job's bytes evenly: each caller gets the moment at which its bytes are due.</summary>
internal sealed class Pace(long? bytesPerSecond, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private DateTimeOffset _next = clock.GetUtcNow();

    public async Task WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond is not { } rate)
            return;
        TimeSpan wait;
        lock (_gate)
        {
            var now = clock.GetUtcNow();
            if (_next < now)
                _next = now;
            wait = _next - now;
            _next += TimeSpan.FromSeconds((double)bytes / rate);
        }

        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, clock, cancellationToken).ConfigureAwait(false);
    }
}
