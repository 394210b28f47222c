using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Origins.Layers;

/// <summary>
/// Counts each attempt, each body byte with its cause, and remembers whether the last request had an answer. Stands
/// inside of the retries, so that these count, and outside of the time-outs, so that these are errors.
/// Any thread may call.
/// </summary>
internal sealed class MeteredOrigin(IOrigin inner, MountMeter meter) : IOrigin
{
    private volatile bool _isReachable = true;

    /// <inheritdoc />
    public string Name => inner.Name;

    /// <summary>
    /// False while the last request to the origin failed. That an object is missing or changed is an answer.
    /// </summary>
    public bool IsReachable => _isReachable;

    /// <inheritdoc />
    public async ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken)
    {
        meter.AddRequest();
        return Count(await inner.HeadAsync(key, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc />
    public async ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken)
    {
        meter.AddRequest();
        return Count(await inner.ListAsync(request, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken)
    {
        meter.AddRequest();
        var opened = Count(await inner.OpenAsync(read, cancellationToken).ConfigureAwait(false));
        return opened.TryGet(out var body, out var failure) ? new Body(this, body, read.Cause) : failure;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private Result<T> Count<T>(Result<T> answer)
    {
        switch (answer.Failure?.Kind)
        {
            case null or FailureKind.NotFound or FailureKind.VersionChanged or FailureKind.PreconditionFailed
                or FailureKind.InvalidRange or FailureKind.InvalidRequest:
                _isReachable = true;
                break;
            case FailureKind.Throttled:
                _isReachable = false;
                meter.AddThrottled();
                break;
            default:
                _isReachable = false;
                meter.AddError();
                break;
        }

        return answer;
    }

    private sealed class Body(MeteredOrigin origin, IOriginBody inner, OriginCause cause) : IOriginBody
    {
        public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            var answer = await inner.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            if (answer.IsOk)
                origin.Measure(cause, answer.Value);
            else
                origin.Count(answer);
            return answer;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private void Measure(OriginCause cause, int bytes) => meter.AddOriginBytes(cause, bytes);
}
