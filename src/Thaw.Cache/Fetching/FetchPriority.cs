namespace Thaw.Cache.Fetching;

/// <summary>Who waits for a chunk; lower goes first.</summary>
internal enum FetchPriority
{
    /// <summary>A reader stands still until it comes.</summary>
    Demand,

    /// <summary>A reader will come to it.</summary>
    ReadAhead,

    /// <summary>A job.</summary>
    Job,
}
