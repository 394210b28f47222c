using System.Net;
using System.Net.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core.Cluster;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>One end of a connection that speaks the protocol by hand, well or badly.</summary>
internal sealed class RawPeer : IDisposable
{
    private static readonly byte[] Secret = "secret"u8.ToArray();

    private readonly Socket _socket;

    private RawPeer(Socket socket) => _socket = socket;

    public static async Task<RawPeer> ConnectAsync(NodeAddress address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, TransferHouse.Stop);
        return new RawPeer(socket);
    }

    /// <summary>Waits for a node to connect.</summary>
    public static async Task<RawPeer> AcceptAsync(Socket listener) =>
        new(await listener.AcceptAsync(TransferHouse.Stop).AsTask().WaitAsync(TransferHouse.Limit));

    public static (Socket Listener, ClusterMember Member) Listen()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        return (listener, new ClusterMember { Name = "answers", Addresses = [new("127.0.0.1", port)] });
    }

    public static Hello HelloOf(string node) => Hello.Of("test", node, ClusterSnapshot.Empty);

    /// <summary>Introduces itself as a node that asks; the answer is read.</summary>
    public async Task GreetAsync(Hello? hello = null, byte[]? secret = null)
    {
        var first = (hello ?? HelloOf("asks")).ToHead();
        await SendAsync(MessageHeader.Compose(MessageType.Hello, 0, first));
        var (_, second, _) = await ReadAsync();
        await ReadAsync();
        await SendAsync(MessageHeader.Compose(
            MessageType.Proof, 0, Hello.Prove(secret ?? Secret, asks: true, first, second)));
    }

    /// <summary>Welcomes a node that asks, as the node <c>answers</c>.</summary>
    public async Task WelcomeAsync()
    {
        var (_, first, _) = await ReadAsync();
        var second = HelloOf("answers").ToHead();
        await SendAsync(MessageHeader.Compose(MessageType.Hello, 0, second));
        await SendAsync(MessageHeader.Compose(
            MessageType.Proof, 0, Hello.Prove(Secret, asks: false, first, second)));
        await ReadAsync();
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _socket.SendAsync(bytes, TransferHouse.Stop)..];
    }

    public async Task<(MessageHeader Header, byte[] Head, byte[] Payload)> ReadAsync()
    {
        var fixedBytes = await ReadAsync(MessageHeader.Bytes);
        MessageHeader.TryRead(fixedBytes, out var header);
        return (header, await ReadAsync(header.HeadBytes), await ReadAsync(header.PayloadBytes));
    }

    /// <summary>Reads until the other end closes; an abortive end counts.</summary>
    public async Task UntilClosedAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (await _socket.ReceiveAsync(buffer).WaitAsync(TransferHouse.Limit, TransferHouse.Stop) > 0)
                continue;
        }
        catch (SocketException)
        {
            return; // reset: closed with bytes unread
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        for (var done = 0; done < length;)
        {
            var received = await _socket.ReceiveAsync(bytes.AsMemory(done), TransferHouse.Stop).AsTask()
                .WaitAsync(TransferHouse.Limit);
            if (received == 0)
                throw new EndOfStreamException($"closed after {done} of {length} bytes");
            done += received;
        }

        return bytes;
    }
}
