using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Origins.Layers;

/// <summary>
/// Gives up what makes no progress: an answer that does not begin, a body that stops. The clock runs only while this
/// side waits for bytes, never while a slow reader holds a body. Any thread may call.
/// </summary>
internal sealed class ProgressWatchedOrigin(IOrigin inner, TimeProvider time) : IOrigin
{
    /// <inheritdoc />
    public string Name => inner.Name;

    /// <inheritdoc />
    public ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken) =>
        AskAsync(inner.HeadAsync, key, "HEAD of " + key, cancellationToken);

    /// <inheritdoc />
    public ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken) =>
        AskAsync(inner.ListAsync, request, "listing of '" + request.Prefix + "'", cancellationToken);

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken)
    {
        var opened =
            await AskAsync(inner.OpenAsync, read, "GET of " + read.Key, cancellationToken).ConfigureAwait(false);
        return opened.TryGet(out var body, out var failure)
            ? new ProgressWatchedBody(body, read.Key, Name, time)
            : failure;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<Result<T>> AskAsync<TQuestion, T>(
        Func<TQuestion, CancellationToken, ValueTask<Result<T>>> ask, TQuestion question, string what,
        CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Limits.OriginAnswer, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await ask(question, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Failure(FailureKind.OriginUnavailable,
                $"No answer to {what} at {Name} within {Limits.OriginAnswer.TotalSeconds:0} s.", RetryAdvice.Later);
        }
    }
}
