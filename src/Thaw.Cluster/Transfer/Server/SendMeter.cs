namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// Bytes of blocks: sent, queued, and the rate while there are any to send. Any thread adds, one ticks.
/// </summary>
internal sealed class SendMeter
{
    /// <summary>Weight of the latest tick: the rate follows within about half a second.</summary>
    private const double Latest = 0.1;

    private long _bytes;
    private long _queued;
    private long _lastBytes;
    private long _lastTick;
    private double _rate;
    private bool _wasBusy;

    public long Bytes => Volatile.Read(ref _bytes);

    public long QueuedBytes => Volatile.Read(ref _queued);

    public double BytesPerSecond => Volatile.Read(ref _rate);

    public void AddQueued(long bytes) => Interlocked.Add(ref _queued, bytes);

    public void AddSent(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Only a time at whose both ends something was queued says what the network takes.</summary>
    public void Tick(long now)
    {
        var (bytes, isBusy) = (Bytes, QueuedBytes > 0);
        if (_wasBusy && isBusy && now > _lastTick)
        {
            var rate = (bytes - _lastBytes) * 1000.0 / (now - _lastTick);
            Volatile.Write(ref _rate, _rate == 0 ? rate : _rate + Latest * (rate - _rate));
        }

        (_lastBytes, _lastTick, _wasBusy) = (bytes, now, isBusy);
    }
}
