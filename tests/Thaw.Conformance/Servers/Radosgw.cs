using System.Globalization;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Thaw.Testing;
using Xunit;

namespace Thaw.Conformance.Servers;

/// <summary>
/// A real S3 server: Ceph's object gateway with a cluster of its own on free ports, objects in memory. It ends with the
/// process that started it, even if that is killed.
/// </summary>
public sealed partial class Radosgw : IAsyncLifetime
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private readonly TempFolder _files = new();

    // Ceph's sockets lie below it: the path has to be short (108 bytes, unix(7)).
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"thaw-rgw-{Path.GetRandomFileName()[..8]}");

    /// <summary>Where it listens; path style.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The same over TLS, with a certificate of <see cref="Authority"/> for 127.0.0.1.</summary>
    public Uri TlsEndpoint { get; private set; } = null!;

    /// <summary>Who signed its certificate: nobody whom a host knows.</summary>
    public PrivateAuthority Authority { get; } = new();

    /// <summary>The one user's access key.</summary>
    public string AccessKey => "THAWTESTACCESSKEY";

    /// <summary>The one user's secret key.</summary>
    public string SecretKey => "thaw-test-secret-key";

    /// <summary>A file that holds <see cref="AccessKey"/>.</summary>
    public string AccessKeyFile { get; private set; } = null!;

    /// <summary>A file that holds <see cref="SecretKey"/>.</summary>
    public string SecretKeyFile { get; private set; } = null!;

    /// <summary>A client of it.</summary>
    public AmazonS3Client Client { get; private set; } = null!;

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        var ports = FreePorts.Take(3);
        Endpoint = new Uri($"http://127.0.0.1:{ports[0]}");
        TlsEndpoint = new Uri($"https://127.0.0.1:{ports[2]}");
        var certificate = _files.Write("tls.pem", Authority.IssueForLoopback());
        AccessKeyFile = _files.Write("access-key", AccessKey);
        SecretKeyFile = _files.Write("secret-key", SecretKey);
        var script = Path.Combine(Places.Root, "tests", "Thaw.Conformance", "Servers", "radosgw.sh");
        var owner = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        await new Command(
            "bash", script, _folder, owner, $"{ports[0]}", $"{ports[1]}", AccessKey, SecretKey, "memstore",
            $"{ports[2]}", certificate)
        {
            Limit = StartLimit,
        }.RunAsync(CancellationToken.None);
        Client = NewClient(Endpoint);
        await Eventually.HoldsAsync("radosgw answers", AnswersAsync, ReadLog, StartLimit, CancellationToken.None);
    }

    /// <summary>A client of any S3 endpoint with this server's keys: path style, no trailing checksums.</summary>
    public AmazonS3Client NewClient(Uri endpoint) => new(
        new BasicAWSCredentials(AccessKey, SecretKey),
        new AmazonS3Config
        {
            ServiceURL = endpoint.GetLeftPart(UriPartial.Authority),
            AuthenticationRegion = "us-east-1",
            ForcePathStyle = true,
            MaxErrorRetry = 0,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });

    /// <summary>A mount of a node under test on a bucket and prefix of this server.</summary>
    public MountSettings Mount(string name, string bucket, string prefix = "") =>
        new(name, $"s3://{bucket}/{prefix}".TrimEnd('/'))
        {
            Endpoint = Endpoint,
            AccessKeyFile = AccessKeyFile,
            SecretKeyFile = SecretKeyFile,
        };

    /// <summary>Makes a bucket with a name of its own.</summary>
    public async Task<string> NewBucketAsync(CancellationToken cancellationToken)
    {
        var bucket = $"test-{Guid.NewGuid():n}";
        await Client.PutBucketAsync(new PutBucketRequest { BucketName = bucket }, cancellationToken);
        return bucket;
    }

    /// <summary>
    /// Body bytes that the server itself says it has sent for GETs of objects of a bucket since it started, from its
    /// access log.
    /// </summary>
    public async Task<long> SentBytesAsync(string bucket, CancellationToken cancellationToken)
    {
        // The log is in order: once this request is in it, all earlier ones are.
        var mark = $"mark-{Guid.NewGuid():n}";
        using var http = new HttpClient();
        using (await http.GetAsync(new Uri(Endpoint, $"/{mark}/x"), cancellationToken))
            await Eventually.HoldsAsync(
                "radosgw logs a request",
                () => ValueTask.FromResult(ReadLog().Contains(mark, StringComparison.Ordinal)),
                () => _folder, TimeSpan.FromSeconds(10), cancellationToken);
        return AccessLine().Matches(ReadLog())
            .Where(line => line.Groups["bucket"].Value == bucket)
            .Sum(line => long.Parse(line.Groups["bytes"].Value, CultureInfo.InvariantCulture));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (File.Exists(Path.Combine(_folder, "stop.sh")))
            await new Command("bash", Path.Combine(_folder, "stop.sh"), _folder).RunAsync(CancellationToken.None);
        Authority.Dispose();
        _files.Dispose();
    }

    private async ValueTask<bool> AnswersAsync()
    {
        try
        {
            await Client.ListBucketsAsync();
            return true;
        }
        catch (Exception failure) when (failure is HttpRequestException or AmazonServiceException)
        {
            return false; // not yet listening, or its pools are not made yet
        }
    }

    private string ReadLog()
    {
        var log = Path.Combine(_folder, "log", "client.gateway.log");
        if (!File.Exists(log))
            return "";
        using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    // beast: 0x7f..: 127.0.0.1 - test [23/Nov/2026:22:36:58 +0000] "GET /bucket/key?q HTTP/1.1" 206 8388608 - "agent"
    // ...
    [GeneratedRegex(
        """beast: \S+ \S+ - \S+ \[[^\]]*\] "GET /(?<bucket>[^/ ?]+)/[^ ?]+[^ ]* HTTP/[0-9.]+" 20[06] (?<bytes>\d+) """)]
    private static partial Regex AccessLine();
}

/// <summary>Tests that share one gateway; they run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class RadosgwTests : ICollectionFixture<Radosgw>
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "radosgw";
}
