using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Origins.Layers;

/// <summary>Keeps requests and bytes within the budget of their origin. Any thread may call.</summary>
internal sealed class LimitedOrigin(IOrigin inner, OriginBudget budget) : IOrigin
{
    /// <inheritdoc />
    public string Name => inner.Name;

    /// <inheritdoc />
    public async ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken)
    {
        var entered = await budget.ForQuestionAsync(Name, cancellationToken).ConfigureAwait(false);
        if (!entered.TryGet(out var lease, out var failure))
            return failure;
        using (lease)
            return await inner.HeadAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken)
    {
        var entered = await budget.ForQuestionAsync(Name, cancellationToken).ConfigureAwait(false);
        if (!entered.TryGet(out var lease, out var failure))
            return failure;
        using (lease)
            return await inner.ListAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken)
    {
        var entered = await budget.ForBodyAsync(Name, cancellationToken).ConfigureAwait(false);
        if (!entered.TryGet(out var lease, out var busy))
            return busy;
        var isOpen = false;
        try
        {
            var opened = await inner.OpenAsync(read, cancellationToken).ConfigureAwait(false);
            if (!opened.TryGet(out var body, out var failure))
                return failure;
            isOpen = true;
            return new Body(body, lease, budget.Bandwidth);
        }
        finally
        {
            if (!isOpen)
                lease.Dispose();
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Holds its connection until it is disposed of.</summary>
    private sealed class Body(IOriginBody inner, OriginBudget.Lease lease, BandwidthBucket? bandwidth) : IOriginBody
    {
        public async ValueTask<Result<int>> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
        {
            if (bandwidth is null)
                return await inner.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            await bandwidth.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (destination.Length > bandwidth.ReadBytes)
                destination = destination[..bandwidth.ReadBytes];
            var answer = await inner.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            if (answer.IsOk)
                bandwidth.Charge(answer.Value);
            return answer;
        }

        public async ValueTask DisposeAsync()
        {
            using (lease)
                await inner.DisposeAsync().ConfigureAwait(false);
        }
    }
}
