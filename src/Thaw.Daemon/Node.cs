using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging;
using Thaw.Core.Configuration;

namespace Thaw.Daemon;

/// <summary>A running node.</summary>
public sealed class Node : IAsyncDisposable
{
    private Node()
    {
    }

    /// <summary>Where the S3 endpoint listens.</summary>
    public IPEndPoint S3 => throw new NotImplementedException();

    /// <summary>Where the control endpoint listens.</summary>
    public IPEndPoint Control => throw new NotImplementedException();

    /// <summary>Starts a node; returns once both endpoints listen.</summary>
    /// <exception cref="IOException">A listener's port is in use.</exception>
    public static Task<Node> StartAsync(
        ThawConfig config, NodeOptions? options, ILoggerFactory loggerFactory, CancellationToken cancellationToken) =>
        throw new NotImplementedException();

    /// <summary>Applies what can change live; the keys that take effect only after a restart.</summary>
    public Task<ImmutableArray<string>> ReloadAsync(ThawConfig config) => throw new NotImplementedException();

    /// <summary>Lets requests end within <paramref name="drain"/>, then stops.</summary>
    public Task StopAsync(TimeSpan drain) => throw new NotImplementedException();

    /// <inheritdoc />
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
