using System.Diagnostics;

namespace Thaw.Testing;

/// <summary>Waits for a condition of something that cannot tell when it holds: another process, a log file.</summary>
public static class Eventually
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(20);

    /// <summary>Asks until the condition holds.</summary>
    /// <param name="phase">What is waited for, for the message.</param>
    /// <param name="condition">Whether it holds now.</param>
    /// <param name="state">What is known when time is up, for the message.</param>
    /// <param name="limit">Longest wait.</param>
    /// <exception cref="TimeoutException">It did not hold in time.</exception>
    public static async Task HoldsAsync(
        string phase, Func<ValueTask<bool>> condition, Func<string> state, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(Period);
        while (!await condition())
        {
            if (watch.Elapsed > limit)
                throw new TimeoutException($"{phase}: not after {limit.TotalSeconds:0} s; {state()}");
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }
}
