using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Origins;

namespace Thaw.Testing.Origins;

/// <summary>A connector with the means to change what it reads: an empty mount of its own for each test.</summary>
public abstract class OriginUnderTest : IAsyncDisposable
{
    /// <summary>The connector alone, without layers.</summary>
    public abstract IOrigin Origin { get; }

    /// <summary>Whether objects carry user metadata and a media type.</summary>
    public abstract bool HasMetadata { get; }

    /// <summary>Whether keys need not look like paths: empty parts, slashes at either end.</summary>
    public abstract bool HasAnyKey { get; }

    /// <summary>
    /// Whether a start within a common prefix still lists that prefix, as Amazon S3 does; not every server.
    /// </summary>
    public abstract bool ListsPrefixBehindStart { get; }

    /// <summary>Puts or replaces an object.</summary>
    public abstract Task PutAsync(
        string key, byte[] bytes, string? contentType = null, IReadOnlyDictionary<string, string>? metadata = null);

    /// <summary>Removes an object.</summary>
    public abstract Task DeleteAsync(string key);

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();

    /// <summary>Reads a whole range; the first failure ends it.</summary>
    public static async Task<Result<byte[]>> ReadAsync(
        IOrigin origin, string key, ObjectVersion version, ByteRange range, int pieceBytes = 64 << 10)
    {
        var opened =
            await origin.OpenAsync(new OriginRead(key, version, range, OriginCause.Reader), CancellationToken.None);
        if (!opened.TryGet(out var body, out var failure))
            return failure;
        await using (body)
        {
            var bytes = new MemoryStream();
            var piece = new byte[pieceBytes];
            while (true)
            {
                var answer = await body.ReadAsync(piece, CancellationToken.None);
                if (!answer.TryGet(out var count, out failure))
                    return failure;
                if (count == 0)
                    return bytes.ToArray();
                bytes.Write(piece, 0, count);
            }
        }
    }

    /// <summary>A connector without layers.</summary>
    protected static IOrigin Connect(MountConfig mount)
    {
        using var factory = new OriginFactory(new OriginsConfig(), NullLoggerFactory.Instance, TimeProvider.System);
        return factory.Connect(mount);
    }
}
