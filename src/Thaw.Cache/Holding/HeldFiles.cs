using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Cache.Verifying;
using Thaw.Core.Contracts;
using Thaw.Core.Identity;
using Thaw.Storage;

namespace Thaw.Cache.Holding;

/// <summary>Versions held as open files.</summary>
internal sealed class HeldFiles(
    MountTable mounts, ChunkStore store, FlightTable flights, VersionVerifier verifier, CacheMeter meter,
    ModelLoads loads) : IModelFiles
{
    public ChunkStore Store => store;

    public FlightTable Flights => flights;

    public VersionVerifier Verifier => verifier;

    public CacheMeter Meter => meter;

    public ModelLoads Loads => loads;

    public async ValueTask<IHeldFile> HoldAsync(
        ObjectPath path, ObjectVersion version, CancellationToken cancellationToken)
    {
        if (!mounts.TryGet(path.Mount, out var catalog, out var failure))
            throw new ArgumentException(failure.Message, nameof(path));
        var lease = await store.LeaseAsync(version.Id, cancellationToken).ConfigureAwait(false);
        return new HeldFile(this, new FetchSource(catalog, path.Key, version), lease);
    }

    public long CachedBytesOf(ObjectVersion version) => store.PresentBytesOf(version.Id);

    public (long Capacity, long Used) GetSpace() => (store.Capacity, store.Bytes);
}
