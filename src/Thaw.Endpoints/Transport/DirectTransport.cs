using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Thaw.Core;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// The server's socket transport, with each connection's output replaced by a <see cref="SocketWriter"/>. Accepting,
/// receiving, aborting and shutting down stay with the transport inside.
/// </summary>
/// <param name="inner">The socket transport.</param>
/// <param name="buffers">Memory of the connections; outlives them.</param>
internal sealed class DirectTransport(IConnectionListenerFactory inner, SendBuffers buffers)
    : IConnectionListenerFactory
{
    public async ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await inner.BindAsync(endpoint, cancellationToken), buffers);

    private sealed class Listener(IConnectionListener inner, SendBuffers buffers) : IConnectionListener
    {
        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection?.Features.Get<IConnectionSocketFeature>() is not { } feature)
                return connection;
            InlineCompletions.TryEnable(feature.Socket);
            // Elsewhere the kernel fits the buffer to the way; within the machine it lets it grow out of the
            // processor's cache, and more waits in it than is of use.
            if (connection.RemoteEndPoint is IPEndPoint { Address: var client } && IPAddress.IsLoopback(client))
                feature.Socket.SendBufferSize = Limits.LoopbackSendBytes;
            var writer = new SocketWriter(feature.Socket, connection.Transport.Output, buffers);
            connection.Features.Set<IBodyAhead>(writer);
            return new DirectConnection(connection, writer);
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) =>
            inner.UnbindAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
