namespace Thaw.Daemon;

/// <summary>Makes the S3 endpoint of a node as slow as an object store far away: for the demo's origin.</summary>
/// <param name="BytesPerSecond">Most body bytes a second over all connections together.</param>
/// <param name="Latency">Added before the first byte of every answer.</param>
public sealed record S3Throttle(long BytesPerSecond, TimeSpan Latency);

/// <summary>What a program that embeds a node may set and a configuration file may not.</summary>
public sealed record NodeOptions
{
    /// <summary>Slows the S3 endpoint down; null: as fast as it can.</summary>
    public S3Throttle? S3Throttle { get; init; }

    /// <summary>The clock; the system's unless a test drives time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
