namespace Thaw.Tests.Cache;

/// <summary>The system's clock, whose wall time can be set forward, so that no test waits for a minute.</summary>
internal sealed class JumpingClock : TimeProvider
{
    private long _aheadTicks;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _aheadTicks));

    public void Jump(TimeSpan ahead) => Interlocked.Add(ref _aheadTicks, ahead.Ticks);
}
