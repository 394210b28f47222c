using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Configuration;
using Thaw.Endpoints.S3;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Endpoints;

/// <summary>A real S3 endpoint on a free port over models in memory, and the ways in that tests need.</summary>
internal sealed class S3Bench : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private S3Bench(FakeModels models, S3Server server)
    {
        Models = models;
        Server = server;
        Http = new HttpClient { BaseAddress = new Uri($"http://{server.EndPoint}") };
    }

    public FakeModels Models { get; }

    public S3Server Server { get; }

    public HttpClient Http { get; }

    public static async Task<S3Bench> StartAsync(
        S3Throttle? throttle = null, Action<KestrelServerLimits>? adjust = null)
    {
        var models = new FakeModels();
        var config = new S3Config { Listen = new IPEndPoint(IPAddress.Loopback, 0), Domain = "s3.local" };
        var server = new S3Server(models, config, NullLoggerFactory.Instance, TimeProvider.System, throttle, adjust);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return new S3Bench(models, server);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, headers);

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value), name);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends bytes as they are and reads until the server closes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        return Encoding.Latin1.GetString(await ReadToEndAsync(socket));
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Server.EndPoint);
        return socket;
    }

    public static async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(Patience);
        var all = new MemoryStream();
        var buffer = new byte[64 << 10];
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) is var count and > 0)
                all.Write(buffer, 0, count);
        }
        catch (SocketException)
        {
            // a reset is an end too
        }

        return all.ToArray();
    }

    public async Task WaitForReadersAsync(int count, string phase)
    {
        await Eventually.HoldsAsync(
            phase, () => ValueTask.FromResult(Models.OpenReaders == count),
            () => $"{Models.OpenReaders} readers are open, not {count}", Patience, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        Assert.Equal(0, Models.OpenReaders);
        Assert.Equal(0, Server.RentedBuffers);
    }

    public static Gen<T> OneOf<T>(params T[] values) =>
        Gen.Int[0, values.Length - 1].Select(index => values[index]);

    public static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
