using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.BadInput;

/// <summary>A node over an origin that misbehaves on demand and over a directory, with a good object in each.</summary>
public sealed class BadInputNode : IAsyncLifetime
{
    private const int GoodBytes = (9 << 20) + 17;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(60);
    private readonly TempFolder _folder = new();
    private readonly FakeContent _good = FakeContent.Of(GoodBytes, 7);
    private FaultyOrigin? _origin;
    private OtherCertificate? _stranger;
    private NoServer? _nonsense;
    private ThawProcess? _node;

    public FaultyOrigin Origin => _origin!;

    public ThawProcess Node => _node!;

    public async ValueTask InitializeAsync()
    {
        _origin = await FaultyOrigin.StartAsync();
        _origin.Put("bucket", "good", _good);
        _stranger = new OtherCertificate();
        _nonsense = new NoServer();
        Directory.CreateDirectory(_folder["files"]);
        File.WriteAllText(_folder["files/small"], "small");
        File.WriteAllText(_folder["secret"], "not to be read");
        var closed = FreePorts.Take(1)[0].ToString(CultureInfo.InvariantCulture);
        _node = await ThawProcess.StartAsync(new ThawSettings
        {
            Mounts =
            [
                new MountSettings("models", "s3://bucket") { Endpoint = _origin.Endpoint, Revalidate = "0s" },
                new MountSettings("files", $"file://{_folder["files"]}"),
                new MountSettings("closed", "s3://bucket") { Endpoint = new Uri($"http://127.0.0.1:{closed}") },
                new MountSettings("nowhere", "s3://bucket") { Endpoint = new Uri("http://thaw-no-such-host.invalid") },
                new MountSettings("stranger", "s3://bucket") { Endpoint = _stranger.Endpoint },
                new MountSettings("nonsense", "s3://bucket") { Endpoint = _nonsense.Endpoint },
                new MountSettings("gone", "file:///thaw-no-such-directory"),
                new MountSettings("no-bucket", "s3://other") { Endpoint = _origin.Endpoint },
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        if (_nonsense is not null)
            await _nonsense.DisposeAsync();
        if (_stranger is not null)
            await _stranger.DisposeAsync();
        if (_origin is not null)
            await _origin.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>The node serves the good objects as if nothing had happened, and has told no trace.</summary>
    public async Task StillServesAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = Node.S3, Timeout = AnswerLimit };
        Assert.Equal(_good.ToArray(), await http.GetByteArrayAsync(new Uri("/models/good", UriKind.Relative),
            cancellationToken));
        Assert.Equal("small", await http.GetStringAsync(new Uri("/files/small", UriKind.Relative), cancellationToken));
        Assert.DoesNotContain("   at ", Node.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", Node.Log, StringComparison.Ordinal);
    }

    /// <summary>
    /// Sends bytes as they are and reads until the node closes: status and body, or 0 and nothing.
    /// </summary>
    public static async Task<(int Status, string Body)> SendAsync(Uri endpoint, byte[] request,
        CancellationToken cancellationToken, bool hangsUp = false)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endpoint.Host, endpoint.Port, limit.Token);
        using var answer = new MemoryStream();
        try
        {
            for (var sent = 0; sent < request.Length;)
                sent += await socket.SendAsync(request.AsMemory(sent), limit.Token);
            if (hangsUp)
                socket.Shutdown(SocketShutdown.Send);
            var buffer = new byte[64 << 10];
            for (int read; (read = await socket.ReceiveAsync(buffer, limit.Token)) > 0;)
                answer.Write(buffer, 0, read);
        }
        catch (SocketException error) when (
            error.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // A server may close while it is still being sent to; what came before counts.
        }

        var text = Encoding.Latin1.GetString(answer.ToArray());
        var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return head < 0 ? (0, "") : (int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture), text[(head + 4)..]);
    }
}
