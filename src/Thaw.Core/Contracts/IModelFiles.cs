using Microsoft.Win32.SafeHandles;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Core.Contracts;

/// <summary>What the POSIX face asks of the cache beyond names and listings: versions held as open files.</summary>
public interface IModelFiles
{
    /// <summary>
    /// Holds a version for an open file: while it is held it is no victim of eviction. Nothing is fetched yet.
    /// </summary>
    ValueTask<IHeldFile> HoldAsync(ObjectPath path, ObjectVersion version, CancellationToken cancellationToken);

    /// <summary>Bytes of a version that are here.</summary>
    long CachedBytesOf(ObjectVersion version);

    /// <summary>Bytes that the cache may hold, and those that it holds.</summary>
    (long Capacity, long Used) GetSpace();
}

/// <summary>One version, held by one open file. Any thread; dispose it once, when the file is closed.</summary>
public interface IHeldFile : IDisposable
{
    /// <summary>The version.</summary>
    ObjectVersion Version { get; }

    /// <summary>Bytes of it that are here.</summary>
    long CachedBytes { get; }

    /// <summary>Whether every byte is here and checked as far as its mount asks.</summary>
    bool IsReady { get; }

    /// <summary>
    /// Loads the whole version in the background, and behind it the other shards of its model in the order of their
    /// numbers; all who hold it share one load. Ends with whether the version is ready; loading goes on for a while
    /// after the last file is closed.
    /// </summary>
    Task<bool> LoadAsync();

    /// <summary>
    /// Seals a ready version and gives its file for the kernel's passthrough: valid until this is disposed, never to be
    /// closed by the caller. Null when there is none: small versions live inside other files.
    /// </summary>
    ValueTask<SafeFileHandle?> SealAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The kernel serves this file by itself from now on and tells of no read: the open counts as one of the whole.
    /// </summary>
    void NotePassthrough();

    /// <summary>
    /// Reads checked bytes at an offset, as many as fit or as the version has; 0 at its end. Completes synchronously
    /// and without allocating when the page cache has them.
    /// </summary>
    ValueTask<Result<int>> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);
}
