using Thaw.Testing;

namespace Thaw.Tests.Cache;

/// <summary>
/// Every version of every key that was ever put, and when it was the present one. Any thread. The moments are those
/// just before a version was put and just after its successor was, so that they hold whatever the
/// origin's own moment was.
/// </summary>
internal sealed class VersionModel(FaultyOrigin origin, string bucket, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Put>> _keys = [];
    private int _puts;

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_gate)
                return [.. _keys.Keys];
        }
    }

    /// <summary>Puts a new version; null content removes the key.</summary>
    public void Change(string key, FakeContent? content, bool withSum)
    {
        lock (_gate)
        {
            var versions = _keys.TryGetValue(key, out var known) ? known : _keys[key] = [];
            var number = ++_puts;
            var begun = clock.GetUtcNow();
            FakeObject? there = null;
            if (content is null)
                origin.Delete(bucket, key);
            else
                there = origin.Put(bucket, key, content, new FakeObjectOptions
                {
                    LastModified = DateTimeOffset.UnixEpoch.AddDays(10_000).AddSeconds(number),
                    ContentType = $"application/x-{number}",
                    Metadata = new Dictionary<string, string> { ["number"] = $"{number}" },
                    Sum = withSum ? FakeSum.Crc32C : FakeSum.None,
                });
            if (versions.Count > 0)
                versions[^1] = versions[^1] with { Ended = clock.GetUtcNow() };
            versions.Add(new Put(there, begun, DateTimeOffset.MaxValue));
        }
    }

    /// <summary>The versions of a key that were present at some moment between two; null: there was none.</summary>
    public IReadOnlyList<FakeObject?> PresentBetween(string key, DateTimeOffset from, DateTimeOffset to)
    {
        lock (_gate)
            return [.. _keys[key].Where(put => put.Ended >= from && put.Begun <= to).Select(put => put.Object)];
    }

    /// <summary>All versions of a key, the newest last.</summary>
    public IReadOnlyList<FakeObject?> All(string key)
    {
        lock (_gate)
            return [.. _keys[key].Select(put => put.Object)];
    }

    private sealed record Put(FakeObject? Object, DateTimeOffset Begun, DateTimeOffset Ended);
}
