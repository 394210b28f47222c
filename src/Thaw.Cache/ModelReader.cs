using System.Diagnostics.CodeAnalysis;
using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Cache.Reading;
using Thaw.Cache.Verifying;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage;

namespace Thaw.Cache;

/// <summary>What faces ask: names to versions, versions to bytes.</summary>
internal sealed class ModelReader(
    MountTable mounts, ChunkStore store, FlightTable flights, VersionVerifier verifier, CacheMeter meter) : IModelReader
{
    public IReadOnlyList<MountName> Mounts { get; } = [.. mounts.All.Select(mount => mount.Name)];

    public bool TryFindMount(string bucket, [NotNullWhen(true)] out MountName? mount)
    {
        mount = Mounts.FirstOrDefault(candidate => candidate.Name == bucket)
            ?? Mounts.FirstOrDefault(candidate => candidate.Bucket == bucket);
        return mount is not null;
    }

    public ValueTask<Result<ObjectVersion>> ResolveAsync(ObjectPath path, CancellationToken cancellationToken) =>
        mounts.TryGet(path.Mount, out var catalog, out var failure)
            ? catalog.ResolveAsync(path.Key, cancellationToken)
            : new ValueTask<Result<ObjectVersion>>(failure);

    public async ValueTask<Result<ListPage>> ListAsync(
        string mount, ListRequest request, CancellationToken cancellationToken) =>
        mounts.TryGet(mount, out var catalog, out var failure)
            ? (await catalog.ListAsync(request, cancellationToken).ConfigureAwait(false)).Page
            : failure;

    public IRangeReader OpenRange(ObjectPath path, ObjectVersion version, ByteRange range, Face face)
    {
        if (!mounts.TryGet(path.Mount, out var catalog, out var failure))
            throw new ArgumentException(failure.Message, nameof(path));
        return new RangeReader(
            new FetchSource(catalog, path.Key, version), range, face, store, flights, verifier, meter);
    }
}
