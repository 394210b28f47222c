using System.Diagnostics;

namespace Thaw.Testing;

/// <summary>A number of bytes a second that many senders share, as a slow link does. Any thread may call.</summary>
public sealed class SharedBandwidth(long bytesPerSecond)
{
    private readonly Lock _lock = new();
    private double _paidUntil = Seconds();

    /// <summary>Waits until so many more bytes may have passed the link.</summary>
    public async Task SendAsync(int bytes, CancellationToken cancellationToken)
    {
        double debt;
        lock (_lock)
        {
            var now = Seconds();
            _paidUntil = Math.Max(_paidUntil, now) + (double)bytes / bytesPerSecond;
            debt = _paidUntil - now;
        }

        // Shorter waits than a timer's grain are left to the next send.
        if (debt > 0.002)
            await Task.Delay(TimeSpan.FromSeconds(debt), cancellationToken);
    }

    private static double Seconds() => (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;
}
