using Thaw.Core.Units;

namespace Thaw.Origins.Layers;

/// <summary>
/// A token bucket of bytes, shared by all bodies of an origin. A read is charged after it happened and may leave a
/// debt; the next one waits until the debt is gone. Up to <see cref="Burst"/> of unused time is kept. Any thread may
/// call.
/// </summary>
internal sealed class BandwidthBucket(ByteSize bytesPerSecond, TimeProvider time)
{
    /// <summary>
    /// Unused bandwidth that may be made up for: long against a timer's grain, short against a chunk.
    /// </summary>
    public static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly double _ticksPerByte = (double)TimeSpan.TicksPerSecond / Math.Max(1, bytesPerSecond.Bytes);
    private TimeSpan _paidUntil = TimeSpan.MinValue;

    /// <summary>Largest read that keeps the flow even: a tenth of a second's bytes, at least one.</summary>
    public int ReadBytes { get; } = (int)Math.Clamp(bytesPerSecond.Bytes / 10, 1, 1 << 20);

    /// <summary>Waits until earlier reads are paid.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (Debt() is var debt && debt > TimeSpan.Zero)
            await Task.Delay(debt, time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Charges bytes that were read.</summary>
    public void Charge(int bytes)
    {
        var cost = TimeSpan.FromTicks((long)(bytes * _ticksPerByte));
        lock (_lock)
        {
            var earliest = Now() - Burst;
            _paidUntil = (_paidUntil > earliest ? _paidUntil : earliest) + cost;
        }
    }

    private TimeSpan Debt()
    {
        lock (_lock)
        {
            var debt = _paidUntil == TimeSpan.MinValue ? TimeSpan.Zero : _paidUntil - Now();
            // Timers count whole milliseconds; shorter debts would spin.
            return debt <= TimeSpan.Zero
                ? TimeSpan.Zero
                : TimeSpan.FromMilliseconds(Math.Ceiling(debt.TotalMilliseconds));
        }
    }

    private TimeSpan Now() => time.GetElapsedTime(0);
}
