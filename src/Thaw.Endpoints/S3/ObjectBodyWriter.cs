using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Endpoints.Transport;

namespace Thaw.Endpoints.S3;

/// <summary>How writing a body ended.</summary>
internal enum BodyOutcome
{
    /// <summary>Every byte is with the transport.</summary>
    Complete,

    /// <summary>The client is gone.</summary>
    ClientGone,

    /// <summary>
    /// Bytes are missing: the connection must be aborted, so that nobody takes the part for the whole.
    /// </summary>
    Failed,
}

/// <summary>
/// Moves one range from its reader into the response, straight into the transport's memory. Flushing waits while the
/// client is slow, so at most one buffer is held for a connection, and one more that is filled while it is sent. The
/// first bytes are read before headers are sent, while a failure can still be told properly. One caller; the reader
/// belongs to it.
/// </summary>
internal sealed class ObjectBodyWriter(
    IRangeReader reader, long lengthBytes, HttpContext http, S3Throttle? throttle, TimeProvider time)
{
    /// <summary>A client that is as fast as the node gives its thread back this often, for those that wait.</summary>
    private const int TurnBytes = Geometry.ChunkBytes;

    private readonly PipeWriter _output = http.Response.BodyWriter;
    private readonly IBodyAhead? _ahead = http.Features.Get<IBodyAhead>();
    private BodyReadAhead? _readAhead;
    private long _remainingBytes = lengthBytes;
    private int _unflushedBytes;
    private int _preparedBytes;
    private bool _isCached; // the last read had nothing to wait for
    private int _turnBytes = TurnBytes; // what is longer than a buffer leaves the thread that polls the socket at once

    /// <summary>Why the outcome is <see cref="BodyOutcome.Failed"/>.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>Bytes that are still to come; tells how far a failed body got.</summary>
    public long RemainingBytes => _remainingBytes;

    /// <summary>Reads the first bytes into memory of the response; nothing is sent yet. Null if all is well.</summary>
    public async ValueTask<Failure?> ReadFirstAsync(CancellationToken cancellationToken)
    {
        if (_remainingBytes == 0)
            return null;
        if (_ahead is null)
            return await ReadBlockAsync(cancellationToken);
        // One block, however much memory there is: the client waits for its first byte.
        var memory = _ahead.Prepare(Least);
        var read = await FillAsync(memory[..Math.Min(memory.Length, Geometry.BlockBytes)], cancellationToken);
        if (!read.TryGet(out _preparedBytes, out var failure))
            _ahead.Withdraw();
        return failure;
    }

    /// <summary>Sends the headers with the first bytes, then the rest.</summary>
    public async ValueTask<BodyOutcome> WriteAsync(CancellationToken cancellationToken)
    {
        if (_preparedBytes > 0)
        {
            await http.Response.StartAsync(cancellationToken);
            Offer(_preparedBytes);
            // The client waits for these: they leave before another thread is woken for those that follow.
            if (!await FlushAsync(cancellationToken))
                return _remainingBytes == 0 ? BodyOutcome.Complete : BodyOutcome.ClientGone;
        }

        while (true)
        {
            if (_remainingBytes > 0 && MayReadAhead())
            {
                if (await SendReadingAheadAsync(cancellationToken) is { } ended)
                    return ended;
                continue;
            }

            if (_unflushedBytes > 0 && !await FlushAsync(cancellationToken))
                return _remainingBytes == 0 ? BodyOutcome.Complete : BodyOutcome.ClientGone;
            if (_remainingBytes == 0)
                return BodyOutcome.Complete;
            Failure = await ReadBlockAsync(cancellationToken);
            if (Failure is not null)
                return BodyOutcome.Failed;
        }
    }

    private bool MayReadAhead() =>
        _ahead is not null && throttle is null && _unflushedBytes > 0 && BodyReadAhead.TryEnter();

    /// <summary>Sends what is there while the next buffer is filled; null when the body goes on.</summary>
    private async ValueTask<BodyOutcome?> SendReadingAheadAsync(CancellationToken cancellationToken)
    {
        _readAhead ??= new BodyReadAhead(memory => FillAsync(memory, cancellationToken));
        var filling = _readAhead.Start(_ahead!.Prepare(Least));
        var flushed = false;
        Result<int> read;
        try
        {
            flushed = await FlushAsync(cancellationToken);
        }
        finally
        {
            // Whatever became of the flush: nobody goes on before the reader and the memory are free.
            read = await filling;
            if (!flushed || !read.IsOk)
                _ahead.Withdraw();
        }

        if (!flushed)
            return BodyOutcome.ClientGone;
        if (!read.TryGet(out var bytes, out var failure))
        {
            Failure = failure;
            return BodyOutcome.Failed;
        }

        Offer(bytes);
        return null;
    }

    private int Least => (int)Math.Min(Geometry.BlockBytes, _remainingBytes);

    /// <summary>What was filled ahead is the response's next piece.</summary>
    private void Offer(int bytes)
    {
        _ahead!.Offer();
        _output.GetMemory();
        Advance(bytes);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> FlushAsync(CancellationToken cancellationToken)
    {
        if (throttle is not null)
            await throttle.TakeAsync(_unflushedBytes, time, cancellationToken);
        _turnBytes += _unflushedBytes;
        _unflushedBytes = 0;
        // Only where nothing but this body can be waiting for the thread.
        if (_isCached && Thread.CurrentThread.IsThreadPoolThread)
            _ahead?.LetFlushWait();
        var flush = _output.FlushAsync(cancellationToken);
        // What had to wait goes on on a polling thread.
        if (!flush.IsCompleted)
            _turnBytes = TurnBytes;
        var flushed = await flush;
        if (_turnBytes >= TurnBytes && _remainingBytes > 0)
        {
            _turnBytes = 0;
            await Task.Yield();
        }

        return !flushed.IsCompleted && !flushed.IsCanceled;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Failure?> ReadBlockAsync(CancellationToken cancellationToken)
    {
        var read = await FillAsync(_output.GetMemory(Least), cancellationToken);
        if (!read.TryGet(out var bytes, out var failure))
            return failure;
        Advance(bytes);
        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Result<int>> FillAsync(Memory<byte> memory, CancellationToken cancellationToken)
    {
        var limit = throttle is null ? SendBuffers.LargeBytes : Geometry.BlockBytes;
        var most = (int)Math.Min(Math.Min(memory.Length, limit), _remainingBytes);
        var reading = reader.ReadAsync(memory[..most], cancellationToken);
        _isCached = reading.IsCompletedSuccessfully;
        var read = await reading;
        return read.TryGet(out var bytes, out _) && (bytes <= 0 || bytes > most)
            ? new Failure(FailureKind.OriginProtocol, $"The object ended {_remainingBytes} bytes before its size.")
            : read;
    }

    private void Advance(int bytes)
    {
        _output.Advance(bytes);
        _remainingBytes -= bytes;
        _unflushedBytes += bytes;
    }
}
