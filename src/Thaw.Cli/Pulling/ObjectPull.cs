using System.Buffers;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Checksums;

namespace Thaw.Cli.Pulling;

/// <summary>One object to copy.</summary>
internal sealed record PullTarget(ObjectStatus Status, string Bucket, string Key, string File);

/// <summary>What became of it.</summary>
/// <param name="FetchedBytes">Bytes that were read from the node in this run.</param>
/// <param name="Sum">The sum that matched: <c>crc32c</c>, <c>md5</c> or <c>none</c>.</param>
/// <param name="Failure">Why it is not there.</param>
internal sealed record PullOutcome(long FetchedBytes, string Sum, CliFailure? Failure);

/// <summary>
/// Copies one version of an object to a part file in parallel ranges and renames it once its sum matches. A kill at any
/// moment leaves the part file and its journal, from which the next run goes on, or the whole file.
/// </summary>
internal sealed class ObjectPull(
    PullTarget target, S3Source source, SemaphoreSlim connections, Func<Task<string?>> findCrc, Action<long> onBytes)
{
    private readonly string _partFile = target.File + PullJournal.PartSuffix;
    private readonly string _journalFile = target.File + PullJournal.JournalSuffix;
    private readonly long _size = target.Status.SizeBytes;
    private readonly uint[] _crcs =
        new uint[(target.Status.SizeBytes + Limits.PullPartBytes - 1) / Limits.PullPartBytes];
    private long _fetched;

    /// <summary>Copies; failures of disk and node alike come back as values.</summary>
    public async Task<PullOutcome> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (target.Key.EndsWith('/'))
            {
                Directory.CreateDirectory(target.File);
                return new PullOutcome(0, "none", null);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(target.File)!);
            if (await FindSumOfPresentAsync(cancellationToken) is { } sum)
            {
                onBytes(_size);
                return new PullOutcome(0, sum, null);
            }

            return await CopyAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Fail(
                $"{target.File} cannot be written ({exception.Message}); free or fix the disk and run it again.");
        }
    }

    private PullOutcome Fail(string sentence) => new(_fetched, "none", new CliFailure(ExitCode.Failed, sentence));

    private async Task<string?> FindSumOfPresentAsync(CancellationToken cancellationToken)
    {
        var present = new FileInfo(target.File);
        if (!present.Exists || present.Length != _size)
            return null;
        var (sum, matches) =
            await FileSum.CompareAsync(target.File, target.Status.Crc32C, target.Status.ETag, cancellationToken);
        return matches ? sum : null;
    }

    private async Task<PullOutcome> CopyAsync(CancellationToken cancellationToken)
    {
        using (var journal = PullJournal.Open(_journalFile, target.Status.ETag, _size, Limits.PullPartBytes))
        using (var handle = File.OpenHandle(
            _partFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous))
        {
            if (RandomAccess.GetLength(handle) != _size)
                RandomAccess.SetLength(handle, _size);
            if (await FetchAsync(handle, journal, cancellationToken) is { } failure)
                return new PullOutcome(_fetched, "none", failure);
            RandomAccess.FlushToDisk(handle);
        }

        var (sum, matches) = await CheckAsync(cancellationToken);
        if (!matches)
        {
            File.Delete(_partFile);
            File.Delete(_journalFile);
            return Fail($"the bytes of {target.Status.Path} do not match its {sum}; they are deleted, run it again.");
        }

        File.SetLastWriteTimeUtc(_partFile, target.Status.LastModified.UtcDateTime);
        File.Move(_partFile, target.File, overwrite: true);
        File.Delete(_journalFile);
        return new PullOutcome(_fetched, sum, null);
    }

    private async Task<CliFailure?> FetchAsync(
        SafeFileHandle handle, PullJournal journal, CancellationToken cancellationToken)
    {
        CliFailure? failure = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var options =
                new ParallelOptions { MaxDegreeOfParallelism = Limits.PullConnections, CancellationToken = stop.Token };
            await Parallel.ForEachAsync(Enumerable.Range(0, _crcs.Length), options, async (part, token) =>
            {
                await connections.WaitAsync(token);
                try
                {
                    if (await FetchPartAsync(handle, journal, part, token) is { } failed
                        && Interlocked.CompareExchange(ref failure, failed, null) is null)
                        await stop.CancelAsync();
                }
                finally
                {
                    connections.Release();
                }
            });
        }
        catch (OperationCanceledException) when (failure is not null)
        {
            return failure;
        }

        return failure;
    }

    private async Task<CliFailure?> FetchPartAsync(
        SafeFileHandle handle, PullJournal journal, int part, CancellationToken cancellationToken)
    {
        var offset = (long)part * Limits.PullPartBytes;
        var buffer = ArrayPool<byte>.Shared.Rent(Limits.PullPartBytes);
        try
        {
            var bytes = buffer.AsMemory(0, (int)Math.Min(Limits.PullPartBytes, _size - offset));
            if (journal.Written.TryGetValue(part, out var known)
                && await RandomAccess.ReadAsync(handle, bytes, offset, cancellationToken) == bytes.Length
                && Crc32C.Compute(bytes.Span) == known)
            {
                _crcs[part] = known;
                onBytes(bytes.Length);
                return null;
            }

            if (await source.ReadAsync(
                target.Bucket, target.Key, target.Status.ETag, offset, bytes, cancellationToken) is { } failure)
                return failure;
            _crcs[part] = Crc32C.Compute(bytes.Span);
            await RandomAccess.WriteAsync(handle, bytes, offset, cancellationToken);
            journal.Add(part, _crcs[part]);
            Interlocked.Add(ref _fetched, bytes.Length);
            onBytes(bytes.Length);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<(string Sum, bool Matches)> CheckAsync(CancellationToken cancellationToken)
    {
        // A cold object's sum is known to the node only once it has read all of it: now.
        if ((target.Status.Crc32C ?? await findCrc()) is not { } wanted)
            return await FileSum.CompareAsync(_partFile, null, target.Status.ETag, cancellationToken) is
            { Sum: not "none" } md5
                ? md5 : ("none", true);
        var crc = 0u;
        for (var part = 0; part < _crcs.Length; part++)
            crc = Crc32C.Combine(
                crc, _crcs[part], Math.Min(Limits.PullPartBytes, _size - (long)part * Limits.PullPartBytes));
        return ("crc32c", uint.TryParse(
            wanted, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && value == crc);
    }
}
