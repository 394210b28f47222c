using System.Net;
using System.Net.Sockets;

namespace Thaw.Faults.BadInput;

/// <summary>What listens at the origin's address speaks no HTTP: it says hello and hangs up.</summary>
internal sealed class NoServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _serving;

    public NoServer()
    {
        _listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _serving = ServeAsync();
    }

    public Uri Endpoint { get; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _serving;
        _listener.Dispose();
        _ended.Dispose();
    }

    private async Task ServeAsync()
    {
        while (!_ended.IsCancellationRequested)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_ended.Token);
                await client.GetStream().WriteAsync("220 mail.example ESMTP ready\r\n"u8.ToArray(), _ended.Token);
                // What was sent is read, so that the end of the connection is an orderly one.
                await client.Client.ReceiveAsync(new byte[4096], _ended.Token);
            }
            catch (Exception broken) when (broken is IOException or SocketException)
            {
                continue; // the node hung up first
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
