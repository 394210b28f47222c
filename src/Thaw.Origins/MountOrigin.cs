using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Origins.Layers;

namespace Thaw.Origins;

/// <summary>A mount's origin with all layers around its connector. Any thread may call.</summary>
public sealed class MountOrigin : IOrigin
{
    private readonly IOrigin _layers;
    private readonly MeteredOrigin _metered;

    internal MountOrigin(IOrigin layers, MeteredOrigin metered) => (_layers, _metered) = (layers, metered);

    /// <inheritdoc />
    public string Name => _layers.Name;

    /// <summary>
    /// False while the last request to the origin failed; an object that is missing or changed is no failure.
    /// </summary>
    public bool IsReachable => _metered.IsReachable;

    /// <inheritdoc />
    public ValueTask<Result<ObjectVersion>> HeadAsync(string key, CancellationToken cancellationToken) =>
        _layers.HeadAsync(key, cancellationToken);

    /// <inheritdoc />
    public ValueTask<Result<ListPage>> ListAsync(ListRequest request, CancellationToken cancellationToken) =>
        _layers.ListAsync(request, cancellationToken);

    /// <inheritdoc />
    public ValueTask<Result<IOriginBody>> OpenAsync(OriginRead read, CancellationToken cancellationToken) =>
        _layers.OpenAsync(read, cancellationToken);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _layers.DisposeAsync();
}
