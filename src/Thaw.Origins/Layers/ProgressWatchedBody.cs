using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Origins.Layers;

/// <summary>
/// Ends a body that brings no byte for <see cref="Limits.OriginNoProgress"/> while it is read. One timer for the whole
/// body, armed for each read. A read that was cancelled or timed out ends the body: its connection is gone.
/// </summary>
internal sealed class ProgressWatchedBody : IOriginBody
{
    private readonly IOriginBody _inner;
    private readonly string _key;
    private readonly string _where;
    private readonly CancellationTokenSource _end = new();
    private readonly ITimer _timer;

    public ProgressWatchedBody(IOriginBody inner, string key, string where, TimeProvider time)
    {
        (_inner, _key, _where) = (inner, key, where);
        _timer = time.CreateTimer(
            static state => ((CancellationTokenSource)state!).Cancel(), _end, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc />
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister(
            static state => ((CancellationTokenSource)state!).Cancel(), _end);
        _timer.Change(Limits.OriginNoProgress, Timeout.InfiniteTimeSpan);
        try
        {
            return await _inner.ReadAsync(destination, _end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new Failure(FailureKind.OriginUnavailable,
                $"The GET of {_key} at {_where} brought no byte for {Limits.OriginNoProgress.TotalSeconds:0} s.",
                RetryAdvice.Later);
        }
        finally
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        // The timer first: once it is gone, nobody cancels the source.
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
        _end.Dispose();
    }
}
