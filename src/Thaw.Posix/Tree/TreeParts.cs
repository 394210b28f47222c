using Thaw.Core.Contracts;

namespace Thaw.Posix.Tree;

/// <summary>What the handlers of one mount share.</summary>
internal sealed record TreeParts(
    NodeTable Nodes, TreeNames Names, IModelFiles Files, PosixCounters Counters, TimeProvider Clock)
{
    /// <summary>How long names of a folder are believed.</summary>
    public TimeSpan ValidOf(Node folder) => Names.ValidOf(folder.Locate().Mount);

    /// <summary>A time in ticks of the clock's stamps.</summary>
    public long TicksOf(TimeSpan time) => (long)(time.TotalSeconds * Clock.TimestampFrequency);
}
