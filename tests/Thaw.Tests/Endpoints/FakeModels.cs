using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Tests.Endpoints;

/// <summary>Models in memory behind the contract that faces see; failures and waits are set by the test.</summary>
internal sealed class FakeModels : IModelReader
{
    private readonly SortedDictionary<string, (byte[] Bytes, ObjectVersion Version)> _objects = new(Utf8Order.Instance);
    private int _openReaders;

    public static readonly DateTimeOffset Modified = new(2024, 5, 6, 7, 8, 9, TimeSpan.Zero);

    public IReadOnlyList<MountName> Mounts { get; } =
        [new("models", "acme-models", Modified), new("other", "other", Modified)];

    public int OpenReaders => Volatile.Read(ref _openReaders);

    /// <summary>Answer of every resolve and listing.</summary>
    public Failure? ResolveFailure { get; set; }

    /// <summary>Failure of the read that would pass this offset of the range.</summary>
    public (long Offset, Failure Failure)? ReadFailure { get; set; }

    /// <summary>Reads wait for this.</summary>
    public Task ReadGate { get; set; } = Task.CompletedTask;

    public IEnumerable<string> Keys => _objects.Keys;

    public ObjectVersion Add(string key, byte[] bytes, Func<ObjectVersion, ObjectVersion>? change = null)
    {
        var version = new ObjectVersion
        {
            Id = ContentId.FromBytes(SHA256.HashData(bytes)),
            SizeBytes = bytes.Length,
            ETag = $"\"{Convert.ToHexStringLower(MD5.HashData(bytes))}\"",
            LastModified = Modified,
        };
        version = change?.Invoke(version) ?? version;
        _objects[key] = (bytes, version);
        return version;
    }

    public bool TryFindMount(string bucket, [NotNullWhen(true)] out MountName? mount)
    {
        mount = Mounts.FirstOrDefault(each => each.Name == bucket || each.Bucket == bucket);
        return mount is not null;
    }

    public ValueTask<Result<ObjectVersion>> ResolveAsync(ObjectPath path, CancellationToken cancellationToken) =>
        ValueTask.FromResult<Result<ObjectVersion>>(ResolveFailure is not null ? ResolveFailure
            : _objects.TryGetValue(path.Key, out var found) ? found.Version
            : new Failure(FailureKind.NotFound, $"There is no object {path}."));

    public ValueTask<Result<ListPage>> ListAsync(
        string mount, ListRequest request, CancellationToken cancellationToken) =>
        ValueTask.FromResult<Result<ListPage>>(ResolveFailure is not null ? ResolveFailure : List(request));

    public IRangeReader OpenRange(ObjectPath path, ObjectVersion version, ByteRange range, Face face)
    {
        Interlocked.Increment(ref _openReaders);
        return new Reader(this, _objects[path.Key].Bytes.AsMemory((int)range.Start, (int)range.Length));
    }

    /// <summary>The model of a listing: everything after a key, rolled up, cut.</summary>
    public ListPage List(ListRequest request)
    {
        var entries = new List<ListEntry>();
        foreach (var (key, (bytes, version)) in _objects)
        {
            if (!key.StartsWith(request.Prefix, StringComparison.Ordinal)
                || Utf8Order.Instance.Compare(key, request.StartAfter) <= 0)
                continue;
            var at = string.IsNullOrEmpty(request.Delimiter)
                ? -1 : key.IndexOf(request.Delimiter, request.Prefix.Length, StringComparison.Ordinal);
            var entry = at < 0
                ? new ListEntry(key, bytes.Length, version.ETag, version.LastModified)
                : ListEntry.CommonPrefix(key[..(at + request.Delimiter!.Length)]);
            if (entries.Count > 0 && entries[^1] == entry)
                continue;
            if (entries.Count == request.MaxKeys)
                return new ListPage([.. entries], true);
            entries.Add(entry);
        }

        return new ListPage([.. entries], false);
    }

    private sealed class Reader(FakeModels models, ReadOnlyMemory<byte> bytes) : IRangeReader
    {
        private int _offset;

        public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            await models.ReadGate.WaitAsync(cancellationToken);
            var count = Math.Min(destination.Length, bytes.Length - _offset);
            if (models.ReadFailure is { } failing && _offset + count > failing.Offset)
                return failing.Failure;
            bytes.Span.Slice(_offset, count).CopyTo(destination.Span);
            _offset += count;
            return count;
        }

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref models._openReaders);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Utf8Order : IComparer<string>
    {
        public static readonly Utf8Order Instance = new();

        public int Compare(string? x, string? y) =>
            Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}
