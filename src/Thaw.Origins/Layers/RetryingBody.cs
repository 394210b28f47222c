using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Origins.Layers;

/// <summary>
/// A body that goes on at the byte where it broke. Each byte is handed out once, in order. Attempts that bring no byte
/// are bounded; every byte starts the count anew. Used by one reader at a time.
/// </summary>
internal sealed class RetryingBody(
    RetryingOrigin origin, IOriginBody first, OriginRead read, Backoff backoff) : IOriginBody
{
    private IOriginBody? _body = first;
    private long _position = read.Range.Start;

    /// <inheritdoc />
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (_position == read.Range.End || destination.IsEmpty)
            return 0;
        while (true)
        {
            if (_body is null)
            {
                var rest = read with { Range = new ByteRange(_position, read.Range.End - _position) };
                var opened = await origin.OpenAsync(rest, backoff, cancellationToken).ConfigureAwait(false);
                if (!opened.TryGet(out _body, out var refused))
                    return refused;
            }

            var answer = await _body.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            if (answer.TryGet(out var count, out var failure) && count > 0)
            {
                backoff.Progress();
                _position += count;
                return count;
            }

            failure ??= EndedEarly();
            await DisposeAsync().ConfigureAwait(false);
            if (!await origin.WaitAsync(failure, backoff, cancellationToken).ConfigureAwait(false))
                return failure;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (_body is not null)
            await _body.DisposeAsync().ConfigureAwait(false);
        _body = null;
    }

    private Failure EndedEarly() => new(FailureKind.OriginUnavailable,
        $"The body of {read.Key} at {origin.Name} ended {read.Range.End - _position} bytes early.", RetryAdvice.Later);
}
