namespace Thaw.Posix;

/// <summary>What an operator chooses for the POSIX tree.</summary>
/// <param name="OpenWait">How long an open waits for its version to become whole.</param>
internal sealed record PosixSettings(TimeSpan OpenWait);
