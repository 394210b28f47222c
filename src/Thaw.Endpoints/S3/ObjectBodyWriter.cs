using System.IO.Pipelines;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

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
/// Moves one range from its reader into the response, block by block, straight into the transport's memory. Flushing
/// waits while the client is slow, so at most the transport's buffer and one block are held for a connection. The first
/// block is read before headers are sent, while a failure can still be told properly. One caller; the reader belongs to
/// it.
/// </summary>
internal sealed class ObjectBodyWriter(
    IRangeReader reader, long lengthBytes, PipeWriter output, S3Throttle? throttle, TimeProvider time)
{
    private long _remainingBytes = lengthBytes;
    private int _unflushedBytes;

    /// <summary>Why the outcome is <see cref="BodyOutcome.Failed"/>.</summary>
    public Failure? Failure { get; private set; }

    /// <summary>Bytes that are still to come; tells how far a failed body got.</summary>
    public long RemainingBytes => _remainingBytes;

    /// <summary>Reads the first block into the response's memory; nothing is sent yet. Null if all is well.</summary>
    public async ValueTask<Failure?> ReadFirstAsync(CancellationToken cancellationToken) =>
        _remainingBytes == 0 ? null : await ReadBlockAsync(cancellationToken);

    /// <summary>Sends the headers with the first block, then the rest.</summary>
    public async ValueTask<BodyOutcome> WriteAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_unflushedBytes > 0)
            {
                if (throttle is not null)
                    await throttle.TakeAsync(_unflushedBytes, time, cancellationToken);
                _unflushedBytes = 0;
                var flushed = await output.FlushAsync(cancellationToken);
                if (flushed.IsCompleted || flushed.IsCanceled)
                    return _remainingBytes == 0 ? BodyOutcome.Complete : BodyOutcome.ClientGone;
            }

            if (_remainingBytes == 0)
                return BodyOutcome.Complete;
            Failure = await ReadBlockAsync(cancellationToken);
            if (Failure is not null)
                return BodyOutcome.Failed;
        }
    }

    private async ValueTask<Failure?> ReadBlockAsync(CancellationToken cancellationToken)
    {
        var memory = output.GetMemory(Geometry.BlockBytes);
        var most = (int)Math.Min(Math.Min(memory.Length, Geometry.BlockBytes), _remainingBytes);
        var read = await reader.ReadAsync(memory[..most], cancellationToken);
        if (!read.TryGet(out var bytes, out var failure))
            return failure;
        if (bytes <= 0 || bytes > most)
            return new Failure(
                FailureKind.OriginProtocol, $"The object ended {_remainingBytes} bytes before its size.");
        output.Advance(bytes);
        _remainingBytes -= bytes;
        _unflushedBytes += bytes;
        return null;
    }
}
