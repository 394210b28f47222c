namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// Bytes of blocks: sent, queued, and the rate while there were any to send: of the time in which something was queued
/// alone, so that a node that has little to do is not taken for a slow one. Any thread adds, one ticks.
/// </summary>
internal sealed class SendMeter
{
    /// <summary>
    /// Weight of the latest tick in which all of the time was busy: the rate follows within half a second.
    /// </summary>
    private const double Latest = 0.1;

    private readonly Lock _gate = new();
    private long _bytes;
    private long _queued;
    private long _busyMilliseconds;
    private long _busySince;
    private long _lastBytes;
    private long _lastBusy;
    private long _lastTick;
    private double _rate;

    public long Bytes => Volatile.Read(ref _bytes);

    public long QueuedBytes => Volatile.Read(ref _queued);

    public double BytesPerSecond => Volatile.Read(ref _rate);

    public void AddQueued(long bytes, long now)
    {
        if (bytes == 0)
            return;
        lock (_gate)
        {
            var was = _queued;
            Volatile.Write(ref _queued, was + bytes);
            if (was == 0)
                _busySince = now;
            else if (was + bytes == 0)
                _busyMilliseconds += now - _busySince;
        }
    }

    public void AddSent(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Tick(long now)
    {
        long busy;
        lock (_gate)
            busy = _busyMilliseconds + (_queued > 0 ? now - _busySince : 0);
        var (bytes, sent, took) = (Bytes, Bytes - _lastBytes, busy - _lastBusy);
        // Less than a fifth of the time says more of buffers than of the network.
        if (now > _lastTick && took * 5 >= now - _lastTick)
        {
            var rate = sent * 1000.0 / took;
            var weight = Latest * took / (now - _lastTick);
            Volatile.Write(ref _rate, _rate == 0 ? rate : _rate + weight * (rate - _rate));
        }

        (_lastBytes, _lastBusy, _lastTick) = (bytes, busy, now);
    }
}
