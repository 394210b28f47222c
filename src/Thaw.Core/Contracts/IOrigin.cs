using System.Collections.Immutable;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Core.Contracts;

/// <summary>
/// An object store below one mount's prefix. Keys are relative to that prefix. A connector contains only protocol;
/// retry, limits, checks against the pin and metering are layers that implement this interface around any of them.
/// Expected failures are values; cancellation and bugs are exceptions.
/// </summary>
public interface IOrigin : IAsyncDisposable
{
    /// <summary>Where this is, for messages: <c>s3://bucket/prefix at http://127.0.0.1:9000</c>.</summary>
    string Name { get; }

    /// <summary>The present version of a key: one HEAD.</summary>
    ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken);

    /// <summary>One page of keys in UTF-8 byte order.</summary>
    ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Opens one range of a version. The answer is compared with the pin (ETag or generation, and total size) even if
    /// the server ignored the condition; another version is <see cref="FailureKind.VersionChanged"/>.
    /// The range is never empty.
    /// </summary>
    ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken);
}

/// <summary>The bytes of one range, in order.</summary>
public interface IOriginBody : IAsyncDisposable
{
    /// <summary>
    /// Reads at least one byte, or 0 once the whole range was read. An answer that ends early is a failure, never 0.
    /// </summary>
    ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken);
}

/// <summary>A range of a pinned version, and why it is read (the ledger's cause).</summary>
public sealed record OriginRead(string Key, ObjectVersion Version, ByteRange Range, OriginCause Cause);

/// <summary>What to list.</summary>
/// <param name="Prefix">Only keys that start with this; may be empty.</param>
/// <param name="Delimiter">Keys that share a part from the prefix to this are rolled up; null or empty: none.</param>
/// <param name="StartAfter">Only keys greater than this, in UTF-8 byte order; may be empty.</param>
/// <param name="MaxKeys">Most entries (keys and common prefixes together), 1-1000.</param>
public sealed record ListRequest(string Prefix, string? Delimiter, string StartAfter, int MaxKeys);

/// <summary>A page of a listing, keys and common prefixes merged in UTF-8 byte order.</summary>
/// <param name="Entries">What was found.</param>
/// <param name="IsTruncated">
/// More follows; ask again with <see cref="ListEntry.ResumeAfter"/> of the last entry as <c>StartAfter</c>.
/// </param>
public sealed record ListPage(ImmutableArray<ListEntry> Entries, bool IsTruncated);

/// <summary>A key with what a listing knows of it, or a common prefix (size -1, no ETag).</summary>
public readonly record struct ListEntry(string Key, long SizeBytes, string ETag, DateTimeOffset LastModified)
{
    /// <summary>Greater than any key below a common prefix: the largest code point behind it.</summary>
    private const string PastAnyKey = "\U0010FFFF";

    /// <summary>Whether this is a common prefix.</summary>
    public bool IsCommonPrefix => SizeBytes < 0;

    /// <summary>The key after which a listing goes on behind this entry.</summary>
    public string ResumeAfter => IsCommonPrefix ? Key + PastAnyKey : Key;

    /// <summary>A common prefix.</summary>
    public static ListEntry CommonPrefix(string prefix) => new(prefix, -1, "", default);
}
