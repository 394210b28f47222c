using Thaw.Core;
using Thaw.Core.Configuration;
using Thaw.Core.Failures;

namespace Thaw.Origins.Layers;

/// <summary>
/// What one origin host and bucket may be asked for at once: connections and bytes a second, shared by all mounts of
/// it. Bodies may use all connections but a few; HEADs and listings may use every one, so they wait for each other
/// only. With a single connection they wait for its body too. Any thread may call.
/// </summary>
internal sealed class OriginBudget : IDisposable
{
    private readonly SemaphoreSlim _connections;
    private readonly SemaphoreSlim _bodies;
    private readonly TimeProvider _time;

    public OriginBudget(OriginsConfig config, TimeProvider time)
    {
        _time = time;
        Connections = Math.Max(1, config.Connections);
        var kept = Connections == 1 ? 0 : Math.Max(1, Connections / Limits.OriginConnectionsPerQuestion);
        _connections = new SemaphoreSlim(Connections);
        _bodies = new SemaphoreSlim(Connections - kept);
        Bandwidth = config.Bandwidth is { } cap ? new BandwidthBucket(cap, time) : null;
    }

    /// <summary>Most requests at once.</summary>
    public int Connections { get; }

    /// <summary>Connections in use.</summary>
    public int InUse => Connections - _connections.CurrentCount;

    /// <summary>The cap on bytes, if there is one.</summary>
    public BandwidthBucket? Bandwidth { get; }

    /// <summary>Waits for a connection for a HEAD or a listing.</summary>
    public async ValueTask<Result<Lease>> ForQuestionAsync(string where, CancellationToken cancellationToken) =>
        await EnterAsync([_connections], where, cancellationToken).ConfigureAwait(false);

    /// <summary>Waits for a connection for a body.</summary>
    public async ValueTask<Result<Lease>> ForBodyAsync(string where, CancellationToken cancellationToken) =>
        await EnterAsync([_bodies, _connections], where, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc />
    public void Dispose()
    {
        _connections.Dispose();
        _bodies.Dispose();
    }

    private async ValueTask<Result<Lease>> EnterAsync(
        SemaphoreSlim[] gates, string where, CancellationToken cancellationToken)
    {
        var entered = 0;
        // Without a queue there is nothing to time.
        while (entered < gates.Length && gates[entered].Wait(0, cancellationToken))
            entered++;
        if (entered == gates.Length)
            return new Lease(gates);
        using var timeout = new CancellationTokenSource(Limits.OriginSlot, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            for (; entered < gates.Length; entered++)
                await gates[entered].WaitAsync(both.Token).ConfigureAwait(false);
            return new Lease(gates);
        }
        catch (OperationCanceledException)
        {
            while (entered > 0)
                gates[--entered].Release();
            cancellationToken.ThrowIfCancellationRequested();
            return new Failure(FailureKind.Busy,
                $"All {Connections} connections to {where} were busy for {Limits.OriginSlot.TotalSeconds:0} s; raise "
                    + "origins.connections.",
                RetryAdvice.Elsewhere);
        }
    }

    /// <summary>One connection; disposing gives it back, once.</summary>
    internal sealed class Lease(SemaphoreSlim[] gates) : IDisposable
    {
        private SemaphoreSlim[]? _gates = gates;

        /// <inheritdoc />
        public void Dispose()
        {
            foreach (var gate in Interlocked.Exchange(ref _gates, null) ?? [])
                gate.Release();
        }
    }
}
