namespace Thaw.Storage.Disks;

/// <summary>How a cache disk is.</summary>
public enum DiskState
{
    /// <summary>Reads and writes.</summary>
    Healthy,

    /// <summary>A call took long; new versions go to other disks while there are better ones.</summary>
    Slow,

    /// <summary>Writes fail, or a call does not come back. Nothing new is kept here.</summary>
    Failing,

    /// <summary>Nothing can be read or written: what it holds is a miss until it is back.</summary>
    Gone,
}
