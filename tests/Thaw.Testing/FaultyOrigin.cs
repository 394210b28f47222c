using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Thaw.Testing.Origins;

namespace Thaw.Testing;

/// <summary>
/// An S3-speaking server in this process over objects in memory or generated on the fly: path style, any signature,
/// HEAD, GET with Range and If-Match, ListObjectsV2. It logs every request and misbehaves on demand. Any thread may use
/// it while it serves.
/// </summary>
public sealed class FaultyOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<(string Bucket, string Key), FakeObject> _objects = new();
    private readonly ConcurrentDictionary<string, bool> _buckets = new();
    private readonly ConcurrentDictionary<(string Method, string Key), int> _attempts = new();
    private int _requests;
    private bool _isDisposed;

    private FaultyOrigin(WebApplication app)
    {
        _app = app;
        var responder = new ObjectResponder(this);
        app.Run(responder.AnswerAsync);
    }

    /// <summary>Where it listens: a free port of 127.0.0.1.</summary>
    public Uri Endpoint { get; private set; } = new("http://127.0.0.1");

    /// <summary>Every request so far.</summary>
    public OriginLog Log { get; } = new();

    /// <summary>Asked before each request is answered, from any thread; null: behave.</summary>
    public Func<OriginRequest, Fault?>? Faults { get; set; }

    /// <summary>Bytes a second that all bodies share; null: no cap. May be changed while serving.</summary>
    public SharedBandwidth? Bandwidth { get; set; }

    /// <summary>Starts a server.</summary>
    /// <param name="listening">A socket that listens already, elsewhere than on 127.0.0.1.</param>
    public static async Task<FaultyOrigin> StartAsync(Socket? listening = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (listening is null)
                kestrel.Listen(IPAddress.Loopback, 0);
            else
                kestrel.ListenHandle((ulong)listening.Handle);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxResponseBufferSize = 1 << 20;
        });
        var origin = new FaultyOrigin(builder.Build());
        await origin._app.StartAsync();
        origin.Endpoint = new Uri(
            listening is null ? origin._app.Urls.Single() : $"http://{listening.LocalEndPoint}");
        return origin;
    }

    /// <summary>Makes a bucket; <see cref="Put(string,string,FakeContent,FakeObjectOptions?)"/> does so too.</summary>
    public void AddBucket(string bucket) => _buckets[bucket] = true;

    /// <summary>Puts or replaces an object and returns it.</summary>
    public FakeObject Put(string bucket, string key, FakeContent content, FakeObjectOptions? options = null)
    {
        AddBucket(bucket);
        return _objects[(bucket, key)] = FakeObject.Of(bucket, key, content, options ?? new FakeObjectOptions());
    }

    /// <summary>Removes an object.</summary>
    public void Delete(string bucket, string key) => _objects.TryRemove((bucket, key), out _);

    /// <summary>An object, if it is there.</summary>
    public FakeObject? Find(string bucket, string key) => _objects.GetValueOrDefault((bucket, key));

    /// <summary>Stops serving: connections break, new ones are refused.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    internal bool HasBucket(string bucket) => _buckets.ContainsKey(bucket);

    internal IEnumerable<FakeObject> ObjectsOf(string bucket) => _objects.Values.Where(o => o.Bucket == bucket);

    internal OriginRequest Begin(HttpRequest request)
    {
        var path = request.Path.Value ?? "/";
        var slash = path.IndexOf('/', 1);
        var (bucket, key) = slash < 0 ? (path[1..], "") : (path[1..slash], path[(slash + 1)..]);
        var entry = new OriginRequest
        {
            Number = Interlocked.Increment(ref _requests),
            Method = request.Method,
            Bucket = bucket,
            Key = key,
            IsList = key.Length == 0 && request.Method == HttpMethods.Get,
            Range = request.Headers.Range.ToString(),
            IfMatch = request.Headers.IfMatch.ToString(),
            ContinuesList = request.Query["start-after"].ToString() + request.Query["continuation-token"],
            Authorization = request.Headers.Authorization.ToString(),
            Attempt = _attempts.AddOrUpdate((request.Method, path), 1, static (_, count) => count + 1),
        };
        Log.Add(entry);
        return entry;
    }
}
