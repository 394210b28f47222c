using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using System.Text;

namespace Thaw.Origins.Directory;

/// <summary>
/// A directory of this host (or a network file system mounted there). Keys are paths below it with '/' between.
/// Versions are weak: device, inode, size and the nanoseconds of the last changes identify them, and every read is
/// compared with them. The kernel resolves each name beneath the root (openat2, RESOLVE_BENEATH): relative links within
/// the root are followed; absolute links and links that lead out are refused, without a race between check and use.
/// The root is opened anew for each call, so that a mount that comes back is found. Any thread may call.
/// </summary>
internal sealed partial class DirectoryOrigin(string root, ILogger<DirectoryOrigin> logger) : IOrigin
{
    private long _skippedNames;

    /// <inheritdoc />
    public string Name { get; } = $"file://{root}";

    /// <summary>Names left out of listings because they are no valid UTF-8, each time they are met.</summary>
    public long SkippedNames => Volatile.Read(ref _skippedNames);

    /// <inheritdoc />
    public async ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken) =>
        // A network file system may block: not on the caller's thread.
        await Task.Run(() => Head(key), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken) =>
        await Task.Run(() => List(request, cancellationToken), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken) =>
        await Task.Run(() => Open(read), cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Result<ObjectVersion> Head(string key)
    {
        if (!OpenFile(key, Libc.Kind.Path).TryGet(out var opened, out var failure))
            return failure;
        opened.File.Dispose();
        return opened.Stamp.ToVersion();
    }

    private Result<IOriginBody> Open(OriginRead read)
    {
        var (range, version) = (read.Range, read.Version);
        if (range.Length <= 0 || range.Start < 0 || range.End > version.SizeBytes)
            return new Failure(FailureKind.InvalidRange,
                $"The range {range.Start}+{range.Length} is not within the {version.SizeBytes} bytes of {read.Key}.");
        if (!OpenFile(read.Key, Libc.Kind.File).TryGet(out var opened, out var failure))
            return failure;
        if (opened.Stamp.SizeBytes == version.SizeBytes && opened.Stamp.ETag == version.ETag)
            return new DirectoryBody(opened.File, opened.Stamp, read, Name);
        opened.File.Dispose();
        return DirectoryFailures.Changed(read.Key, Name);
    }

    private Result<ListPage> List(ListRequest request, CancellationToken cancellationToken)
    {
        var rootDescriptor = Libc.OpenRoot(root);
        if (rootDescriptor < 0)
            return DirectoryFailures.FromRoot(-rootDescriptor, Name);
        try
        {
            using var walk = new DirectoryWalk(rootDescriptor, request.Prefix, request.StartAfter, SkipName);
            var page = DirectoryListing.Page(walk, request, cancellationToken);
            return walk.Errno != 0 ? DirectoryFailures.From(walk.Errno, walk.FailedAt, Name) : page;
        }
        finally
        {
            Libc.Close(rootDescriptor);
        }
    }

    private Result<(SafeFileHandle File, FileStamp Stamp)> OpenFile(string key, Libc.Kind kind)
    {
        if (CheckKey(key) is { } refused)
            return refused;
        var rootDescriptor = Libc.OpenRoot(root);
        if (rootDescriptor < 0)
            return DirectoryFailures.FromRoot(-rootDescriptor, Name);
        var descriptor = Libc.OpenBeneath(rootDescriptor, key, kind);
        Libc.Close(rootDescriptor);
        if (descriptor < 0)
            return DirectoryFailures.From(-descriptor, key, Name);
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        var errno = Libc.Stat(descriptor, out var stat);
        if (errno == 0 && stat.IsRegular)
            return (file, FileStamp.From(in stat));
        file.Dispose();
        return errno == 0 ? DirectoryFailures.NotFound(key, Name) : DirectoryFailures.From(-errno, key, Name);
    }

    /// <summary>
    /// A key is a path in its shortest form; what the kernel would only simplify to another key has no object.
    /// </summary>
    private Failure? CheckKey(string key)
    {
        var parts = key.Split('/');
        if (key.StartsWith('/') || key.Contains('\0', StringComparison.Ordinal) || parts.Contains(".."))
            return new Failure(FailureKind.InvalidRequest,
                $"The key '{key}' is not a path below {Name}: it is absolute, or has '..' or a zero in it.");
        return parts.Any(static part => part is "" or ".") || Encoding.UTF8.GetByteCount(key) > Limits.KeyBytes
            ? DirectoryFailures.NotFound(key, Name)
            : null;
    }

    private void SkipName(string directory, byte[] name)
    {
        // The first of each power of two is enough to find them and never floods the log.
        var count = Interlocked.Increment(ref _skippedNames);
        if (long.IsPow2(count))
            NameSkipped(logger, Name, directory, Convert.ToHexStringLower(name), count);
    }
}
