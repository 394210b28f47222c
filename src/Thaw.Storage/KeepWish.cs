namespace Thaw.Storage;

/// <summary>How much a chunk is wanted on disk.</summary>
public enum KeepWish
{
    /// <summary>If there is room, or something colder than its version can go.</summary>
    IfWorth,

    /// <summary>If anything at all can go for it: it was asked for, or is pinned.</summary>
    Always,
}
