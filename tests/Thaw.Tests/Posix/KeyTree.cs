using System.Diagnostics.CodeAnalysis;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Tests.Posix;

/// <summary>A mount <c>models</c> that holds given keys and nothing in them.</summary>
internal sealed class KeyTree(params string[] keys) : IModelReader
{
    private readonly string[] _keys = [.. keys.Order(KeyOrder.Instance)];

    /// <summary>Most entries of one page; smaller than asked for makes many pages of few keys.</summary>
    public int PageKeys { get; init; } = 1000;

    public Failure? Failure { get; set; }

    /// <summary>What a listing of a prefix waits for instead; null: it is answered.</summary>
    public Func<string, Task<Result<ListPage>>?>? Listing { get; init; }

    /// <summary>What every look-up of a version waits for instead.</summary>
    public Task<Result<ObjectVersion>>? Resolving { get; set; }

    /// <summary>How the last listing could be given up.</summary>
    public CancellationToken? LastListing { get; private set; }

    public IReadOnlyList<MountName> Mounts { get; } = [new("models", "models", DateTimeOffset.UnixEpoch)];

    public bool TryFindMount(string bucket, [NotNullWhen(true)] out MountName? mount)
    {
        mount = bucket == "models" ? Mounts[0] : null;
        return mount is not null;
    }

    public ValueTask<Result<ObjectVersion>> ResolveAsync(ObjectPath path, CancellationToken cancellationToken) =>
        Resolving is { } waiting ? new(waiting.WaitAsync(cancellationToken)) : new(Failure is { } failure ? failure
            : _keys.Contains(path.Key) ? new ObjectVersion
            {
                Id = ContentId.Derive(path.Key),
                SizeBytes = path.Key.Length,
                ETag = $"\"{path.Key}\"",
                LastModified = DateTimeOffset.UnixEpoch,
            }
            : new Failure(FailureKind.NotFound, "no"));

    public ValueTask<Result<ListPage>> ListAsync(
        string mount, ListRequest request, CancellationToken cancellationToken)
    {
        LastListing = cancellationToken;
        if (Listing?.Invoke(request.Prefix) is { } waiting)
            return new(waiting.WaitAsync(cancellationToken));
        if (Failure is { } failure)
            return new(failure);
        var entries = new List<ListEntry>();
        var most = Math.Min(request.MaxKeys, PageKeys);
        foreach (var key in _keys.Where(key => key.StartsWith(request.Prefix, StringComparison.Ordinal)))
        {
            var end = request.Delimiter is { } delimiter
                ? key.IndexOf(delimiter, request.Prefix.Length, StringComparison.Ordinal) : -1;
            var entry = end < 0
                ? new ListEntry(key, key.Length, $"\"{key}\"", DateTimeOffset.UnixEpoch)
                : ListEntry.CommonPrefix(key[..(end + 1)]);
            if (KeyOrder.Instance.Compare(entry.Key, request.StartAfter) <= 0
                || KeyOrder.Instance.Compare(entry.ResumeAfter, request.StartAfter) <= 0
                || (entries.Count > 0 && entries[^1].Key == entry.Key))
                continue;
            if (entries.Count == most)
                return new(new ListPage([.. entries], true));
            entries.Add(entry);
        }

        return new(new ListPage([.. entries], false));
    }

    public IRangeReader OpenRange(ObjectPath path, ObjectVersion version, ByteRange range, Face face) =>
        throw new NotSupportedException();
}
