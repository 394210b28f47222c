using System.Diagnostics.CodeAnalysis;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Core.Contracts;

/// <summary>What a face asks of the cache: names to versions, versions to bytes, listings.</summary>
public interface IModelReader
{
    /// <summary>The mounts in order of configuration.</summary>
    IReadOnlyList<MountName> Mounts { get; }

    /// <summary>
    /// The mount that a bucket names: the mount's own name, or the bucket alias that clients already use.
    /// </summary>
    bool TryFindMount(string bucket, [NotNullWhen(true)] out MountName? mount);

    /// <summary>The present version of an object, at most <c>revalidate</c> old.</summary>
    ValueTask<Result<ObjectVersion>> ResolveAsync(ObjectPath path, CancellationToken cancellationToken);

    /// <summary>
    /// One page of a mount's keys. While the origin is down and <c>staleIfError</c> allows: of the known ones.
    /// </summary>
    ValueTask<Result<ListPage>> ListAsync(string mount, ListRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// A reader of one range of one version: it keeps that version to its end. Nothing is fetched before the first
    /// read. Dispose it, also in the middle; a shared fetch goes on for those who want it.
    /// </summary>
    IRangeReader OpenRange(ObjectPath path, ObjectVersion version, ByteRange range, Face face);
}

/// <summary>A mount as faces see it.</summary>
/// <param name="Name">The mount's name: bucket and top folder.</param>
/// <param name="Bucket">The bucket name that S3 clients already use; equals the name unless configured.</param>
/// <param name="CreatedAt">When this node first knew the mount (S3 wants a creation date).</param>
public sealed record MountName(string Name, string Bucket, DateTimeOffset CreatedAt)
{
    /// <summary>How long a version is believed; null: for ever.</summary>
    public TimeSpan? Revalidate { get; init; }
}

/// <summary>Reads a range front to back. One caller at a time.</summary>
public interface IRangeReader : IAsyncDisposable
{
    /// <summary>
    /// Fills the destination with the next bytes, each of them checked: at least one, or 0 at the range's end.
    /// Best given 256 KiB or more. A failure is final for this reader.
    /// </summary>
    ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken);
}
