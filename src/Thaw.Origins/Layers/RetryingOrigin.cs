using Microsoft.Extensions.Logging;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Origins.Layers;

/// <summary>
/// Tries again what may work later, with back-off, and goes on at the byte where a body broke. The outermost layer, so
/// that every attempt passes the limits and meters of its own. Any thread may call.
/// </summary>
internal sealed partial class RetryingOrigin(
    IOrigin inner, TimeProvider time, Func<double> jitter, ILogger<RetryingOrigin> logger) : IOrigin
{
    /// <inheritdoc />
    public string Name => inner.Name;

    /// <inheritdoc />
    public ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken) =>
        TryAsync(inner.HeadAsync, key, NewBackoff(), cancellationToken);

    /// <inheritdoc />
    public ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken) =>
        TryAsync(inner.ListAsync, request, NewBackoff(), cancellationToken);

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken)
    {
        var backoff = NewBackoff();
        var opened = await OpenAsync(read, backoff, cancellationToken).ConfigureAwait(false);
        return opened.TryGet(out var body, out var failure) ? new RetryingBody(this, body, read, backoff) : failure;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Opens what is left of a read, within the attempts that the read still has.</summary>
    internal ValueTask<Result<IOriginBody>> OpenAsync(
        OriginRead read, Backoff backoff, CancellationToken cancellationToken) =>
        TryAsync(inner.OpenAsync, read, backoff, cancellationToken);

    /// <summary>Whether to go on after this failure; returns when the wait is over.</summary>
    internal async ValueTask<bool> WaitAsync(Failure failure, Backoff backoff, CancellationToken cancellationToken)
    {
        if (failure.Retry == RetryAdvice.Later)
            AttemptFailed(logger, backoff.Failed + 1, failure.Message);
        return await backoff.WaitAsync(failure, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<Result<T>> TryAsync<TQuestion, T>(
        Func<TQuestion, CancellationToken, ValueTask<Result<T>>> ask, TQuestion question, Backoff backoff,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var answer = await ask(question, cancellationToken).ConfigureAwait(false);
            if (answer.Failure is not { } failure
                || !await WaitAsync(failure, backoff, cancellationToken).ConfigureAwait(false))
                return answer;
        }
    }

    private Backoff NewBackoff() => new(time, jitter);
}
