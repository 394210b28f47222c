using Thaw.Core.Identity;

namespace Thaw.Storage.Names;

/// <summary>What a node knows of one key of a mount. Immutable: a change makes a new entry.</summary>
public sealed record NameEntry
{
    /// <summary>The key below the mount: 1-1024 bytes of UTF-8.</summary>
    public required string Key { get; init; }

    /// <summary>The version that the key named when the origin last confirmed it.</summary>
    public required ObjectVersion Version { get; init; }

    /// <summary>
    /// When the origin last confirmed it. <see cref="DateTimeOffset.MinValue"/>: nobody knows any more (the log was
    /// damaged behind this entry), ask before relying on it.
    /// </summary>
    public required DateTimeOffset LastAsked { get; init; }

    /// <summary>When a reader last used it; null: never.</summary>
    public DateTimeOffset? LastUsed { get; init; }

    /// <summary>Whether the name is pinned: its version is kept for certain.</summary>
    public bool Pinned { get; init; }
}
