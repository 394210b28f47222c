using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Thaw.Core;
using Thaw.Core.Configuration;

namespace Thaw.Origins.S3;

/// <summary>
/// The SDK's client on a socket handler of our own. The SDK signs, encodes and parses; it does not retry, time out,
/// decompress, follow redirects or check bodies: those are the layers' work. One per mount, any thread may use it.
/// </summary>
internal sealed class S3Connection : IDisposable
{
    private readonly HttpClient _http;

    public S3Connection(MountConfig mount)
    {
        _http = new HttpClient(CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        var config = CreateConfig(mount, _http);
        Client = S3Credentials.From(mount.Credentials) is { } credentials
            ? new AmazonS3Client(credentials, config)
            : new AmazonS3Client(config);
    }

    /// <summary>The client.</summary>
    public IAmazonS3 Client { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        Client.Dispose();
        _http.Dispose();
    }

    /// <summary>
    /// The endpoint's part of an identity: empty for Amazon's own endpoints, whatever their region, since bucket names
    /// are unique there; else the host, with the port unless it is the scheme's.
    /// </summary>
    public static string HostOf(Uri? endpoint)
    {
        if (endpoint is null || endpoint.IdnHost.EndsWith(".amazonaws.com", StringComparison.OrdinalIgnoreCase))
            return "";
        var host = endpoint.IdnHost.ToLowerInvariant();
        return endpoint.IsDefaultPort ? host : $"{host}:{endpoint.Port}";
    }

    private static SocketsHttpHandler CreateHandler() => new()
    {
        ConnectTimeout = Limits.OriginConnect,
        PooledConnectionLifetime = Limits.OriginConnectionLife,
        PooledConnectionIdleTimeout = Limits.OriginConnectionIdle,
        // Bytes must arrive as they are stored, from the host that is configured, over as many connections as the
        // limit layer lets through.
        AutomaticDecompression = DecompressionMethods.None,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        // A body that is given up would otherwise be read on to save its connection, as bytes that nobody counts.
        MaxResponseDrainSize = 0,
    };

    private static AmazonS3Config CreateConfig(MountConfig mount, HttpClient http)
    {
        var config = new AmazonS3Config
        {
            HttpClientFactory = new OneHttpClient(http),
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = 0,
            ThrottleRetries = false,
            LogMetrics = false,
            DisableLogging = true,
            Timeout = Timeout.InfiniteTimeSpan,
            ForcePathStyle = mount.PathStyle ?? mount.Endpoint is not null,
            IgnoreConfiguredEndpointUrls = true,
        };
        if (mount.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.AbsoluteUri;
            config.AuthenticationRegion = mount.Region ?? "us-east-1";
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(mount.Region ?? DefaultRegion());
        }

        return config;
    }

    /// <summary>
    /// The region of the environment; the one where Amazon's global endpoint lives when there is none.
    /// </summary>
    private static string DefaultRegion() =>
        Environment.GetEnvironmentVariable("AWS_REGION") is { Length: > 0 } region ? region
        : Environment.GetEnvironmentVariable("AWS_DEFAULT_REGION") is { Length: > 0 } fallback ? fallback
        : "us-east-1";

    private sealed class OneHttpClient(HttpClient http) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => http;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
