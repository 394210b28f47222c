using Amazon.S3.Model;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Origins.S3;

/// <summary>
/// The bytes of one ranged GET. Used by one reader at a time; a read that failed or was cancelled ends it.
/// </summary>
internal sealed class S3Body(GetObjectResponse response, OriginRead read, string where) : IOriginBody
{
    private long _left = read.Range.Length;

    /// <inheritdoc />
    public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (_left == 0)
            return 0;
        if (destination.Length > _left)
            destination = destination[..(int)_left];
        try
        {
            var count = await response.ResponseStream.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            _left -= count;
            return count > 0 || destination.IsEmpty ? count : EndedEarly();
        }
        catch (Exception e) when (!S3Failures.IsCancellation(e, cancellationToken))
        {
            return S3Failures.From(e, $"GET of {read.Key}", where);
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        response.Dispose();
        return ValueTask.CompletedTask;
    }

    private Failure EndedEarly() => new(FailureKind.OriginUnavailable,
        $"The GET of {read.Key} at {where} ended {_left} bytes early.", RetryAdvice.Later);
}
