using System.Net;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Metering;

namespace Thaw.Endpoints.Control;

/// <summary>
/// The control endpoint: REST, OpenAPI, metrics, health and the start page over one <see cref="INodeControl"/>. It
/// reads no settings from files or the environment and leaves signals to the daemon. Start once, stop once.
/// </summary>
public sealed partial class ControlServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly NodeMetrics _metrics;
    private readonly ILogger _logger;
    private IPEndPoint? _endPoint;

    /// <summary>Prepares the endpoint; nothing is bound before <see cref="StartAsync"/>.</summary>
    /// <param name="control">The node.</param>
    /// <param name="mounts">The mounts' counters, asked at each scrape.</param>
    /// <param name="config">Listener.</param>
    /// <param name="loggerFactory">Where messages go.</param>
    public ControlServer(
        INodeControl control, Func<IReadOnlyList<MountMeter>> mounts, ControlConfig config,
        ILoggerFactory loggerFactory)
    {
        ArgumentNullException.ThrowIfNull(config);
        _logger = loggerFactory.CreateLogger<ControlServer>();
        _metrics = new NodeMetrics(control, mounts);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => SetLimits(kestrel, config.Listen));
        builder.Services.AddSingleton(loggerFactory);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.AddRoutingCore();
        builder.Services.AddProblemDetails();
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict; // numbers are numbers, not texts
        });
        builder.Services.AddOpenApi(Describe);
        AddMetrics(builder.Services, control);
        _application = builder.Build();
        Map(_application, control);
    }

    /// <summary>Where the endpoint listens; the port is the real one, also when 0 was configured.</summary>
    public IPEndPoint EndPoint =>
        _endPoint ?? throw new InvalidOperationException("The control endpoint has not been started.");

    /// <summary>Binds the listener. An address in use is an <see cref="IOException"/>.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _application.StartAsync(cancellationToken);
        var server = _application.Services.GetRequiredService<IServer>();
        var address = server.Features.Get<IServerAddressesFeature>()!.Addresses.First();
        _endPoint = IPEndPoint.Parse(new Uri(address).Authority);
        Log.Listening(_logger, _endPoint);
    }

    /// <summary>
    /// Takes no more connections and lets requests end; once the token is cancelled, connections are cut.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken) => _application.StopAsync(cancellationToken);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _metrics.Dispose();
    }

    private static void SetLimits(KestrelServerOptions kestrel, IPEndPoint listen)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = Limits.ControlBodyBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = Limits.RequestHeaderBytes;
        kestrel.Limits.MaxRequestLineSize = Limits.RequestHeaderBytes;
        kestrel.Limits.RequestHeadersTimeout = Limits.ClientHeaders;
        kestrel.Limits.KeepAliveTimeout = Limits.ClientKeepAlive;
        kestrel.Listen(listen, options => options.Protocols = HttpProtocols.Http1);
    }

    private static void Describe(OpenApiOptions options) => options.AddDocumentTransformer((document, _, _) =>
    {
        document.Info.Title = "Thaw control API";
        document.Info.Version = "v1";
        document.Info.Description = "What one Thaw node holds and does. Errors are RFC 9457 problem documents.";
        document.Servers?.Clear(); // the document is the same on every node
        return Task.CompletedTask;
    });

    private static void AddMetrics(IServiceCollection services, INodeControl control) =>
        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(NodeMetrics.MeterName)
            .AddView(instrument => !NodeMetrics.IsOf(instrument, control)
                ? MetricStreamConfiguration.Drop
                : instrument.Name == NodeMetrics.ChunkFetch
                    ? new ExplicitBucketHistogramConfiguration { Boundaries = [.. NodeMetrics.ChunkFetchSeconds] }
                    : null)
            .AddPrometheusExporter(exporter =>
            {
                exporter.ScopeInfoEnabled = false;
                exporter.TargetInfoEnabled = false;
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
            }));

    private void Map(WebApplication application, INodeControl control)
    {
        application.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = AnswerBugAsync,
            SuppressDiagnosticsCallback = _ => true, // logged here, once
        });
        application.UseStatusCodePages(AnswerStatusAsync);
        new ControlRoutes(control).Map(application);
        application.MapOpenApi("/openapi/{documentName}.json");
        application.MapPrometheusScrapingEndpoint("/metrics");
        application.MapGet("/", () => TypedResults.Text(StartPage.Html, "text/html; charset=utf-8"))
            .ExcludeFromDescription();
    }

    private static Task AnswerStatusAsync(StatusCodeContext context)
    {
        var http = context.HttpContext;
        var detail = http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound =>
                $"There is nothing at {http.Request.Path}: /openapi/v1.json lists what there is.",
            StatusCodes.Status405MethodNotAllowed =>
                $"{http.Request.Method} is not allowed at {http.Request.Path}: {http.Response.Headers.Allow} is.",
            StatusCodes.Status415UnsupportedMediaType => "The body must be JSON with Content-Type: application/json.",
            _ => "The request cannot be understood: /openapi/v1.json describes each operation.",
        };
        return Problems.WriteStatusAsync(http, http.Response.StatusCode, detail);
    }

    private Task AnswerBugAsync(HttpContext http)
    {
        if (http.Features.Get<IExceptionHandlerFeature>()?.Error
            is Microsoft.AspNetCore.Http.BadHttpRequestException bad)
            return Problems.WriteStatusAsync(http, StatusCodes.Status400BadRequest, bad.Message);
        if (http.Features.Get<IExceptionHandlerFeature>()?.Error is { } error
            && !http.RequestAborted.IsCancellationRequested)
            Log.Bug(_logger, error, http.Request.Method, http.Request.Path);
        return Problems.WriteStatusAsync(http, StatusCodes.Status500InternalServerError,
            "The node met an internal error; its log has the details.");
    }

    /// <summary>The daemon owns SIGTERM and Ctrl-C; a host of its own would take them first.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
