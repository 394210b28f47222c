using Thaw.Core;

namespace Thaw.Storage.Recovery;

/// <summary>How fast and how often a disk is scrubbed; tests set their own.</summary>
internal sealed record ScrubPace
{
    /// <summary>Most bytes a second.</summary>
    public long BytesPerSecond { get; init; } = Limits.ScrubBytesPerSecond;

    /// <summary>Nothing is scrubbed for so long after a start.</summary>
    public TimeSpan Delay { get; init; } = Limits.ScrubDelay;

    /// <summary>A disk is scrubbed once in this time at most.</summary>
    public TimeSpan Cycle { get; init; } = Limits.ScrubCycle;
}
