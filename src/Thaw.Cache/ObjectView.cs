using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Thaw.Cache.Jobs;
using Thaw.Cache.Naming;
using Thaw.Cache.Peering;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Contracts;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Format;

namespace Thaw.Cache;

/// <summary>Objects as the control API shows them: the origin's listing, joined with what is cached.</summary>
internal sealed class ObjectView(string node, PeerHome? home, MountTable mounts, ChunkStore store)
{
    public async ValueTask<Result<ObjectPage>> ListAsync(
        string path, string? continuation, int limit, CancellationToken cancellationToken)
    {
        if (!PathPattern.Parse(path).TryGet(out var pattern, out var invalid))
            return invalid;
        if (limit is < 1 or > Limits.ListPageKeys)
            return new Failure(
                FailureKind.InvalidRequest, $"A page has 1 to {Limits.ListPageKeys} objects, not {limit}.");
        if (!TryDecode(continuation, out var after))
            return new Failure(FailureKind.InvalidRequest,
                "This continuation was not made by this API; start without one.");
        if (!mounts.TryGet(pattern.Path.Mount, out var mount, out var missing))
            return missing;
        if (pattern.IsSingle)
            return await GetOneAsync(mount, pattern.Path.Key, cancellationToken).ConfigureAwait(false);
        var (listed, stale) = await mount.ListAsync(
            new ListRequest(pattern.Prefix, null, after, limit), cancellationToken).ConfigureAwait(false);
        if (!listed.TryGet(out var page, out var failure))
            return failure;
        // A page of a glob may be empty and still have a next one.
        var objects = ImmutableArray.CreateBuilder<ObjectStatus>(page.Entries.Length);
        foreach (var entry in page.Entries.Where(entry => pattern.Matches(entry.Key)))
            objects.Add(await DescribeAsync(mount, entry, cancellationToken).ConfigureAwait(false));
        var next = page.IsTruncated && !page.Entries.IsEmpty
            ? Base64Url.EncodeToString(Encoding.UTF8.GetBytes(page.Entries[^1].ResumeAfter))
            : null;
        return new ObjectPage(objects.DrainToImmutable(), next, stale);
    }

    /// <summary>Bytes cached of everything a mount has names for.</summary>
    public long CachedBytesOf(MountCatalog mount)
    {
        long bytes = 0;
        foreach (var name in mount.Names.All())
            bytes += store.PresentBytesOf(name.Version.Id);
        return bytes;
    }

    private async ValueTask<Result<ObjectPage>> GetOneAsync(
        MountCatalog mount, string key, CancellationToken cancellationToken)
    {
        var resolved = await mount.ResolveAsync(key, cancellationToken).ConfigureAwait(false);
        if (!resolved.TryGet(out var version, out var failure))
            return failure;
        var entry = new ListEntry(key, version.SizeBytes, version.ETag, version.LastModified);
        var status = await DescribeAsync(mount, entry, cancellationToken).ConfigureAwait(false);
        if (home is not null && mount.Store is { } at)
        {
            var holdings = await home.HoldersAsync(
                new PeerPlace(at, mount.FullKey(key)), version.Id, cancellationToken).ConfigureAwait(false);
            status = status with
            {
                Holders = [.. status.Holders.Union(holdings.Select(one => one.Node)).Order(StringComparer.Ordinal)],
            };
        }

        return new ObjectPage([status], null, !mount.IsOriginReachable);
    }

    private async ValueTask<ObjectStatus> DescribeAsync(
        MountCatalog mount, ListEntry entry, CancellationToken cancellationToken)
    {
        var path = new ObjectPath(mount.Config.Name, entry.Key).ToString();
        var known = mount.Names.TryGet(entry.Key, out var name)
            && name.Version.ETag == entry.ETag && name.Version.SizeBytes == entry.SizeBytes ? name : null;
        if (known is null)
            return new ObjectStatus(path, entry.SizeBytes, 0, entry.ETag, null, entry.LastModified, null, "none", null,
                false, null, []);
        using var lease = await store.LeaseAsync(known.Version.Id, cancellationToken).ConfigureAwait(false);
        var present = lease?.Version.PresentBytes ?? 0;
        var crc = lease is { Version.IsComplete: true } ? lease.Version.WholeCrc32C : null;
        return new ObjectStatus(
            path, entry.SizeBytes, present, entry.ETag, known.Version.Id.ToString(), entry.LastModified,
            known.Version.ContentType, VerdictOf(lease?.Version.Verdict),
            crc?.ToString("x8", CultureInfo.InvariantCulture),
            known.Pinned, known.LastUsed, present > 0 ? [node] : []);
    }

    private static string VerdictOf(Verdict? verdict) => verdict switch
    {
        Verdict.Origin => "origin",
        Verdict.Transport => "transport",
        _ => "none",
    };

    private static bool TryDecode(string? continuation, out string after)
    {
        after = "";
        if (string.IsNullOrEmpty(continuation))
            return true;
        if (continuation.Length > 4 * Limits.KeyBytes || !Base64Url.IsValid(continuation))
            return false;
        try
        {
            after = new UTF8Encoding(false, true).GetString(Base64Url.DecodeFromChars(continuation));
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
