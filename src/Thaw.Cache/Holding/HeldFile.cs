using Microsoft.Win32.SafeHandles;
using Thaw.Cache.Fetching;
using Thaw.Cache.Reading;
using Thaw.Cache.Verifying;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Holding;

/// <summary>
/// One version held by one open file: it has a lease on the version's files from the moment there are any, and its part
/// in the version's background load. Reads go to the files first; what is missing comes from the chunks' flights.
/// </summary>
internal sealed class HeldFile : IHeldFile
{
    private readonly HeldFiles _files;
    private readonly FetchSource _source;
    private readonly Lock _gate = new();
    private VersionLease? _lease;
    private List<VersionLease>? _outlived;
    private ModelLoad? _load;
    private long _localBytes;
    private bool _disposed;

    public HeldFile(HeldFiles files, FetchSource source, VersionLease? lease)
    {
        (_files, _source, _lease) = (files, source, lease);
        files.Meter.ReaderOpened();
    }

    public ObjectVersion Version => _source.Version;

    public long CachedBytes => Lease() is { } lease ? lease.Version.PresentBytes : 0;

    public bool IsReady =>
        Version.SizeBytes == 0
        || (Lease() is { } lease
            && VersionVerifier.IsGood(lease.Version, _source, _source.Catalog.Config.VerifyOrigin));

    public Task<bool> LoadAsync()
    {
        if (Version.SizeBytes == 0)
            return Task.FromResult(true);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _load ??= _files.Loads.Join(_source);
            return _load.ReadyAsync(_source);
        }
    }

    public async ValueTask<SafeFileHandle?> SealAsync(CancellationToken cancellationToken)
    {
        if (Version.SizeBytes <= Geometry.InlineBytes || !IsReady || Lease() is not { } lease
            || !await _files.Store.SealAsync(lease, cancellationToken).ConfigureAwait(false))
            return null;
        return lease.Backing;
    }

    public void NotePassthrough() => _files.Store.NoteRead(Version.Id, Version.SizeBytes, Version.SizeBytes);

    public ValueTask<Result<int>> ReadAsync(
        long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (offset >= Version.SizeBytes)
            return new ValueTask<Result<int>>(0);
        if (destination.Length > Version.SizeBytes - offset)
            destination = destination[..(int)(Version.SizeBytes - offset)];
        var done = 0;
        while (done < destination.Length && Lease() is { } lease)
        {
            var read = lease.Version.ReadAsync(offset + done, destination[done..], cancellationToken);
            if (!read.IsCompletedSuccessfully)
                return ReadSlowAsync(offset, destination, done, read, cancellationToken);
            var outcome = read.Result;
            if (outcome.Kind != ReadKind.Hit)
                break;
            done += outcome.Bytes;
        }

        if (done < destination.Length)
            return ReadSlowAsync(offset, destination, done, new ValueTask<ReadOutcome>(ReadOutcome.Miss),
                cancellationToken);
        NoteLocal(done);
        return new ValueTask<Result<int>>(done);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }

        if (_load is not null)
            _files.Loads.Leave(_load);
        if (Volatile.Read(ref _localBytes) is var read and > 0)
            _files.Store.NoteRead(Version.Id, Version.SizeBytes, read);
        _lease?.Dispose();
        _outlived?.ForEach(lease => lease.Dispose());
        _source.Catalog.NoteUsed(_source.Key);
        _files.Meter.ReaderClosed();
    }

    /// <summary>Bytes were read from here; they are told to the store in one piece, when the file is closed.</summary>
    private void NoteLocal(int bytes)
    {
        _source.Catalog.Meter.AddServed(Face.Posix, Tier.Local, bytes);
        Interlocked.Add(ref _localBytes, bytes);
    }

    private async ValueTask<Result<int>> ReadSlowAsync(
        long offset, Memory<byte> destination, int done, ValueTask<ReadOutcome> begun,
        CancellationToken cancellationToken)
    {
        var outcome = await begun.ConfigureAwait(false);
        if (outcome.Kind == ReadKind.Hit)
            done += outcome.Bytes;
        NoteLocal(done);
        if (done == destination.Length)
            return done;
        var reader = new RangeReader(
            _source, new ByteRange(offset + done, destination.Length - done), Face.Posix, _files.Store, _files.Flights,
            _files.Verifier, _files.Meter);
        await using (reader.ConfigureAwait(false))
        {
            while (done < destination.Length)
            {
                var read = await reader.ReadAsync(destination[done..], cancellationToken).ConfigureAwait(false);
                if (!read.TryGet(out var bytes, out var failure))
                    return failure;
                done += bytes;
            }
        }

        return done;
    }

    /// <summary>The lease; a version that came to be here since the file was opened is leased now.</summary>
    private VersionLease? Lease()
    {
        var lease = Volatile.Read(ref _lease);
        if (lease is { Version: { IsDropped: false } or { IsComplete: true } })
            return lease;
        lock (_gate)
        {
            if (_disposed)
                return null;
            // A dropped one is read on as far as it goes, unless its successor is here.
            if (_files.Store.TryLeaseOpen(_source.Version.Id) is not { } newer)
                return _lease;
            // Someone may be reading from the old one right now: it goes with the file.
            if (_lease is { } old)
                (_outlived ??= []).Add(old);
            return _lease = newer;
        }
    }
}
