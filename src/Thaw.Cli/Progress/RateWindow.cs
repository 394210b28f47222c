namespace Thaw.Cli.Progress;

/// <summary>Bytes a second over the last seconds. One caller at a time.</summary>
internal sealed class RateWindow(TimeProvider clock)
{
    // Long enough to smooth chunks of 8 MiB at 10 MB/s, short enough to show a stall.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private readonly Queue<(long At, long Bytes)> _samples = new();
    private (long At, long Bytes) _last;

    /// <summary>Notes how many bytes are done by now.</summary>
    public void Add(long bytes)
    {
        var now = clock.GetTimestamp();
        _last = (now, bytes);
        _samples.Enqueue(_last);
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.Peek().At, now) > Window)
            _samples.Dequeue();
    }

    /// <summary>Bytes a second, or 0 while nothing can be said.</summary>
    public double BytesPerSecond
    {
        get
        {
            if (_samples.Count < 2)
                return 0;
            var first = _samples.Peek();
            var seconds = clock.GetElapsedTime(first.At, _last.At).TotalSeconds;
            return seconds <= 0 ? 0 : Math.Max(0, (_last.Bytes - first.Bytes) / seconds);
        }
    }

    /// <summary>Time left for the rest, or null while the rate is 0.</summary>
    public TimeSpan? Left(long bytes)
    {
        var rate = BytesPerSecond;
        var seconds = rate <= 0 ? double.PositiveInfinity : bytes / rate;
        return seconds > TimeSpan.FromDays(365).TotalSeconds ? null : TimeSpan.FromSeconds(seconds);
    }
}
