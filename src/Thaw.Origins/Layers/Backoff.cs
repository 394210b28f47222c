using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Origins.Layers;

/// <summary>
/// Attempts of one request: counts them, says whether another one is due and when. Exponential with full jitter, so
/// that readers that failed together do not come back together. Belongs to one request.
/// </summary>
/// <param name="time">Clock of the waits.</param>
/// <param name="jitter">A number from 0 to below 1.</param>
internal sealed class Backoff(TimeProvider time, Func<double> jitter)
{
    /// <summary>Attempts that failed since the last progress.</summary>
    public int Failed { get; private set; }

    /// <summary>Bytes came: what failed before does not count any more.</summary>
    public void Progress() => Failed = 0;

    /// <summary>Waits and returns true if the request may be tried again; false if the failure is final.</summary>
    public async ValueTask<bool> WaitAsync(Failure failure, CancellationToken cancellationToken)
    {
        if (failure.Retry != RetryAdvice.Later || ++Failed >= Limits.OriginAttempts
            || failure.RetryAfter > Limits.OriginRetryAfterMost)
            return false;
        await Task.Delay(DelayAfter(failure), time, cancellationToken).ConfigureAwait(false);
        return true;
    }

    private TimeSpan DelayAfter(Failure failure)
    {
        var most = Limits.OriginBackoff * Math.Pow(2, Failed - 1);
        if (most > Limits.OriginBackoffMost)
            most = Limits.OriginBackoffMost;
        return (failure.RetryAfter ?? TimeSpan.Zero) + most * jitter();
    }
}
