using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Endpoints.Transport;

namespace Thaw.Endpoints.S3;

/// <summary>
/// The S3 endpoint: a Kestrel server of its own over one <see cref="IModelReader"/>, so that its limits, its stopping
/// and later its transport are independent of the control endpoint. Read-only; signatures are accepted unchecked, so it
/// belongs on loopback. Start once, stop once.
/// </summary>
public sealed partial class S3Server : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly S3Application _application;
    private readonly SendBuffers _buffers = new();
    private readonly ILogger _logger;
    private IPEndPoint? _endPoint;

    /// <summary>Prepares the endpoint; nothing is bound before <see cref="StartAsync"/>.</summary>
    public S3Server(IModelReader models, S3Config config, ILoggerFactory loggerFactory, TimeProvider time)
        : this(models, config, loggerFactory, time, null)
    {
    }

    /// <summary>An endpoint that is as slow as a distant origin.</summary>
    /// <param name="models">What it serves.</param>
    /// <param name="config">Listener.</param>
    /// <param name="loggerFactory">Where messages go.</param>
    /// <param name="time">Clock.</param>
    /// <param name="bytesPerSecond">Most body bytes a second, all connections together.</param>
    /// <param name="latency">Wait before each answer.</param>
    public static S3Server Slowed(
        IModelReader models, S3Config config, ILoggerFactory loggerFactory, TimeProvider time, long bytesPerSecond,
        TimeSpan latency) => new(models, config, loggerFactory, time, new S3Throttle(bytesPerSecond, latency));

    /// <summary>As above, made as slow as a distant origin, or with other limits.</summary>
    internal S3Server(
        IModelReader models, S3Config config, ILoggerFactory loggerFactory, TimeProvider time, S3Throttle? throttle,
        Action<KestrelServerLimits>? adjust = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        InlineCompletions.PrepareProcess();
        _logger = loggerFactory.CreateLogger<S3Server>();
        _application = new S3Application(models, config.Domain, throttle, time, _logger);
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        SetLimits(options.Limits);
        adjust?.Invoke(options.Limits);
        options.ResponseHeaderEncodingSelector = _ => Encoding.UTF8; // user metadata may be any text
        options.Listen(config.Listen, listen => listen.Protocols = HttpProtocols.Http1);
        var transport = new SocketTransportFactory(Options.Create(SocketOptions()), loggerFactory);
        _server = new KestrelServer(Options.Create(options), new DirectTransport(transport, _buffers), loggerFactory);
    }

    /// <summary>Where the endpoint listens; the port is the real one, also when 0 was configured.</summary>
    public IPEndPoint EndPoint =>
        _endPoint ?? throw new InvalidOperationException("The S3 endpoint has not been started.");

    /// <summary>Send buffers that connections hold now.</summary>
    internal int RentedBuffers => _buffers.Rented;

    /// <summary>Binds the listener. An address in use is an <see cref="IOException"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _server.StartAsync(_application, cancellationToken);
        var address = _server.Features.Get<IServerAddressesFeature>()!.Addresses.First();
        _endPoint = IPEndPoint.Parse(new Uri(address).Authority);
        Log.Listening(_logger, _endPoint);
    }

    /// <summary>
    /// Takes no more connections and lets requests end; once the token is cancelled, connections are cut.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    /// <summary>Cuts what is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
        _buffers.Dispose();
    }

    private static SocketTransportOptions SocketOptions() => new()
    {
        // Nothing in a request blocks its thread, so it is served on the thread that received it.
        UnsafePreferInlineScheduling = true,

        // An idle connection keeps 4 KiB, and each request saves a receive.
        WaitForDataBeforeAllocatingBuffer = false,
    };

    private static void SetLimits(KestrelServerLimits limits)
    {
        limits.MaxRequestLineSize = Limits.RequestHeaderBytes;
        limits.MaxRequestHeadersTotalSize = Limits.RequestHeaderBytes;
        limits.RequestHeadersTimeout = Limits.ClientHeaders;
        limits.KeepAliveTimeout = Limits.ClientKeepAlive;
        limits.MaxRequestBodySize = Limits.RefusedBodyBytes;
        limits.MinResponseDataRate = new MinDataRate(
            Geometry.BlockBytes / Limits.SlowestBlock.TotalSeconds, Limits.SlowestBlock);
    }
}
