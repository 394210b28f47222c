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

    private readonly Channel<FetchSource> _quick = NewQueue();
    private readonly Channel<FetchSource> _thorough = NewQueue();
    private readonly ConcurrentDictionary<ContentId, TaskCompletionSource<bool>> _pending = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ChunkStore _store;
    private readonly ILogger _logger;
    private readonly Task _workers;
    private long _mismatches;

    public VersionVerifier(ChunkStore store, ILogger<VersionVerifier> logger)
    {
        (_store, _logger) = (store, logger);
        _workers = Task.WhenAll(Task.Run(() => RunAsync(_quick)), Task.Run(() => RunAsync(_thorough)));
    }

    /// <summary>Versions whose bytes were not what the origin's sum says.</summary>
    public long Mismatches => Volatile.Read(ref _mismatches);

    /// <summary>Called when a version turned out not to be the origin's.</summary>
    public Action<ContentId> Dropped { get; set; } = static _ => { };

    /// <summary>
    /// Asks for the verdict of a version that has just become complete; a pending one is not asked for twice. The task
    /// ends with whether the version is the origin's as far as can be told.
    /// </summary>
    public Task<bool> Enqueue(FetchSource source)
    {
        var done = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var pending = _pending.GetOrAdd(source.Version.Id, done);
        var queue = source.Version.Sum is { IsCheap: false } ? _thorough : _quick;
        if (pending == done && !queue.Writer.TryWrite(source))
            done.TrySetResult(false);
        return pending.Task;
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
        using (var lease = await _store.LeaseAsync(source.Version.Id, cancellationToken).ConfigureAwait(false))
        {
            if (lease is null || !lease.Version.IsComplete)
                return false;
            if (IsGood(lease.Version, source, untilOrigin) && lease.Version.Verdict != Verdict.None)
                return true;
        }

        var checking = Enqueue(source);
        if (sum is { IsCheap: false } && !untilOrigin)
            return true;
        return await checking.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Whether a version is whole and checked as far as can be asked now: against cheap sums always, against others if
    /// <paramref name="untilOrigin"/>.
    /// </summary>
    public static bool IsGood(VersionFile version, FetchSource source, bool untilOrigin) =>
        version.IsComplete
        && (version.Verdict == Verdict.Origin
            || (source.Version.Sum is { IsCheap: false } && !untilOrigin)
            || (version.Verdict == Verdict.Transport && source.Version.Sum is null or { IsCheap: true }));

    /// <summary>A reader found that the whole does not match its sum.</summary>
    public async ValueTask ReportMismatchAsync(FetchSource source)
    {
        Interlocked.Increment(ref _mismatches);
        Log.SumMismatch(_logger, source.Key, source.Catalog.Origin.Name, source.Version.Sum!);
        // Before, since a stuck disk lets the drop wait; after, for what began to be kept in between.
        Dropped(source.Version.Id);
        await _store.DropAsync(source.Version.Id).ConfigureAwait(false);
        Dropped(source.Version.Id);
        source.Catalog.Invalidate(source.Key);
    }

    public async ValueTask DisposeAsync()
    {
        _quick.Writer.TryComplete();
        _thorough.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _workers.ConfigureAwait(false);
        foreach (var (_, pending) in _pending)
            pending.TrySetResult(false);
        _stopping.Dispose();
    }

    private static Channel<FetchSource> NewQueue() =>
        Channel.CreateUnbounded<FetchSource>(new UnboundedChannelOptions { SingleReader = true });

    private async Task RunAsync(Channel<FetchSource> queue)
    {
        try
        {
            await foreach (var source in queue.Reader.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                var good = await TryCheckAsync(source).ConfigureAwait(false);
                if (_pending.TryRemove(source.Version.Id, out var pending))
                    pending.TrySetResult(good);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task<bool> TryCheckAsync(FetchSource source)
    {
        try
        {
            return await CheckAsync(source, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            Log.CheckBroke(_logger, source.Key, error);
            return false;
        }
    }

    private async Task<bool> CheckAsync(FetchSource source, CancellationToken cancellationToken)
    {
        using var lease = await _store.LeaseAsync(source.Version.Id, cancellationToken).ConfigureAwait(false);
        if (lease is null || !lease.Version.IsComplete)
            return false;
        if (lease.Version.Verdict == Verdict.Origin)
            return true;
        var whole = await CombineAsync(lease.Version, cancellationToken).ConfigureAwait(false);
        if (whole is not { } crc)
            return false;
        var sum = source.Version.Sum;
        if (sum is not { IsCheap: true } && lease.Version.Verdict == Verdict.None)
            await _store.WriteVerdictAsync(lease, Verdict.Transport, crc).ConfigureAwait(false);
        if (sum is null)
            return true;
        var computed = sum.Kind switch
        {
            SumKind.Crc32C => RunningCrc.ToBytes(crc),
            SumKind.Crc64Nvme => TryCombine64(lease.Version)
                ?? await ReadOnceAsync(lease.Version, sum.Kind, cancellationToken).ConfigureAwait(false),
            _ => await ReadOnceAsync(lease.Version, sum.Kind, cancellationToken).ConfigureAwait(false),
        };
        if (computed is null)
            return false;
        if (sum.Matches(computed))
            return await _store.WriteVerdictAsync(lease, Verdict.Origin, crc).ConfigureAwait(false);
        await ReportMismatchAsync(source).ConfigureAwait(false);
        return false;
    }

    /// <summary>CRC-64/NVME from the chunks' ones; null when one of them was not entered.</summary>
    private static byte[]? TryCombine64(VersionFile version)
    {
        ulong sum = 0;
        for (var chunk = 0; chunk < version.ChunkCount; chunk++)
        {
            if (version.TryGetCrc64(chunk) is not { } crc)
                return null;
            sum = Crc64Nvme.Combine(sum, crc, Geometry.ChunkLength(version.SizeBytes, chunk));
        }

        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, sum);
        return bytes;
    }

    /// <summary>CRC-32C of a complete version from its block CRCs; null when a chunk is lost on the way.</summary>
    public static async Task<uint?> CombineAsync(VersionFile version, CancellationToken cancellationToken)
    {
        var sum = new RunningCrc();
        for (var chunk = 0; chunk < version.ChunkCount; chunk++)
        {
            var crcs = await version.GetBlockCrcsAsync(chunk, cancellationToken).ConfigureAwait(false);
            if (crcs is null)
                return null;
            sum.Add(crcs, Geometry.ChunkLength(version.SizeBytes, chunk));
        }

        return sum.Value;
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
