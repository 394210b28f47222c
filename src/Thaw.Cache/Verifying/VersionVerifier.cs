using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Verifying;

/// <summary>
/// Gives complete versions their verdict: CRCs at once, combined from the block CRCs; MD5, sha256 and CRC-64 by reading
/// the version once more, one version at a time. A version whose sum does not match is dropped: the next reader fetches
/// it again.
/// <para>One worker, owned by this type. A crash before the verdict is entered leaves the version to the next one who
/// finds it complete.</para>
/// </summary>
internal sealed class VersionVerifier : IAsyncDisposable
{
    private const int ReadBytes = 1 << 20;

    private readonly Channel<FetchSource> _queue = Channel.CreateUnbounded<FetchSource>(
        new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<ContentId, TaskCompletionSource<bool>> _pending = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ChunkStore _store;
    private readonly ILogger _logger;
    private readonly Task _worker;
    private long _mismatches;

    public VersionVerifier(ChunkStore store, ILogger<VersionVerifier> logger)
    {
        (_store, _logger) = (store, logger);
        _worker = Task.Run(RunAsync);
    }

    /// <summary>Versions whose bytes were not what the origin's sum says.</summary>
    public long Mismatches => Volatile.Read(ref _mismatches);

    /// <summary>
    /// Asks for the verdict of a version that has just become complete; a pending one is not asked for twice.
    /// </summary>
    public void Enqueue(FetchSource source)
    {
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_pending.TryAdd(source.Version.Id, done) && !_queue.Writer.TryWrite(source))
            done.TrySetResult(false);
    }

    /// <summary>
    /// Waits until a complete version is checked as far as its mount asks; false if it is not the origin's, or is not
    /// here any more.
    /// </summary>
    /// <param name="source">The version.</param>
    /// <param name="untilOrigin">Wait for sums that cost a pass over the bytes, too.</param>
    /// <param name="cancellationToken">Ends the wait, not the check.</param>
    public async Task<bool> WaitAsync(FetchSource source, bool untilOrigin, CancellationToken cancellationToken)
    {
        var sum = source.Version.Sum;
        if (source.Version.SizeBytes == 0)
            return true;
        using (var lease = _store.TryLease(source.Version.Id))
        {
            if (lease is null || !lease.Version.IsComplete)
                return false;
            if (lease.Version.Verdict == Verdict.Origin
                || (lease.Version.Verdict == Verdict.Transport && (sum is null || sum.IsCheap || !untilOrigin)))
                return true;
        }

        Enqueue(source);
        if (sum is { IsCheap: false } && !untilOrigin)
            return true;
        return !_pending.TryGetValue(source.Version.Id, out var pending)
            || await pending.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A reader found that the whole does not match its sum.</summary>
    public void ReportMismatch(FetchSource source)
    {
        Interlocked.Increment(ref _mismatches);
        Log.SumMismatch(_logger, source.Key, source.Catalog.Origin.Name, source.Version.Sum!);
        _store.Drop(source.Version.Id);
        source.Catalog.Invalidate(source.Key);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
        foreach (var (_, pending) in _pending)
            pending.TrySetResult(false);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var source in _queue.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                var good = await CheckAsync(source, _stopping.Token).ConfigureAwait(false);
                if (_pending.TryRemove(source.Version.Id, out var pending))
                    pending.TrySetResult(good);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task<bool> CheckAsync(FetchSource source, CancellationToken cancellationToken)
    {
        using var lease = _store.TryLease(source.Version.Id);
        if (lease is null || !lease.Version.IsComplete)
            return false;
        if (lease.Version.Verdict == Verdict.Origin)
            return true;
        if (source.Version.Sum is not { } sum)
            return await _store.WriteVerdictAsync(lease, Verdict.Transport).ConfigureAwait(false);
        if (!sum.IsCheap)
            await _store.WriteVerdictAsync(lease, Verdict.Transport).ConfigureAwait(false);
        var computed = sum.Kind == SumKind.Crc32C
            ? await CombineAsync(lease.Version, cancellationToken).ConfigureAwait(false)
            : await ReadOnceAsync(lease.Version, sum.Kind, cancellationToken).ConfigureAwait(false);
        if (computed is null)
            return false;
        if (sum.Matches(computed))
            return await _store.WriteVerdictAsync(lease, Verdict.Origin).ConfigureAwait(false);
        ReportMismatch(source);
        return false;
    }

    /// <summary>CRC-32C of a complete version from its block CRCs; null when a chunk is lost on the way.</summary>
    public static async Task<byte[]?> CombineAsync(VersionFile version, CancellationToken cancellationToken)
    {
        var sum = new RunningCrc();
        for (var chunk = 0; chunk < version.ChunkCount; chunk++)
        {
            var crcs = await version.GetBlockCrcsAsync(chunk, cancellationToken).ConfigureAwait(false);
            if (crcs is null)
                return null;
            sum.Add(crcs, Geometry.ChunkLength(version.SizeBytes, chunk));
        }

        return sum.ToBytes();
    }

    private static async Task<byte[]?> ReadOnceAsync(
        VersionFile version, SumKind kind, CancellationToken cancellationToken)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(ReadBytes, pinned: true);
        using var hash = kind switch
        {
            SumKind.Md5 => IncrementalHash.CreateHash(HashAlgorithmName.MD5),
            SumKind.Sha256 => IncrementalHash.CreateHash(HashAlgorithmName.SHA256),
            _ => null,
        };
        ulong crc = 0;
        for (long offset = 0; offset < version.SizeBytes;)
        {
            var read = await version.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false);
            if (read.Kind != ReadKind.Hit)
                return null;
            var bytes = buffer.AsSpan(0, read.Bytes);
            if (hash is null)
                crc = Crc64Nvme.Append(crc, bytes);
            else
                hash.AppendData(bytes);
            offset += read.Bytes;
        }

        if (hash is not null)
            return hash.GetHashAndReset();
        var sum = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(sum, crc);
        return sum;
    }
}
