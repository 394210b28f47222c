using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Thaw.Core.Api;
using Thaw.Core.Checksums;

namespace Thaw.Tests.Cli;

/// <summary>A control endpoint and an S3 endpoint on one real port, over objects in memory, with faults.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _jobAt;
    private int _gets;

    private FakeNode(WebApplication app) => _app = app;

    public string Url =>
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    public string ETag { get; set; } = "\"version-1\"";

    public bool KnowsCrc { get; set; } = true;

    public string? CrcOverride { get; set; }

    /// <summary>
    /// Runs before each GET of bytes, with the GET's own number from 1; true when it has answered.
    /// </summary>
    public Func<HttpContext, int, bool>? Fault { get; set; }

    public ConcurrentQueue<(string Key, string Range)> Gets { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    public JobStatus[] Job { get; set; } = [];

    public TaskCompletionSource JobPolled { get; } = new();

    public int? ErrorStatus { get; set; }

    public static async Task<FakeNode> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var node = new FakeNode(app);
        app.Run(node.AnswerAsync);
        await app.StartAsync();
        return node;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value!;
        if (!path.StartsWith("/api/v1/", StringComparison.Ordinal))
        {
            await AnswerBytesAsync(context, path["/bucket-of-models/".Length..]);
            return;
        }

        using var reader = new StreamReader(request.Body);
        Requests.Enqueue($"{request.Method} {path}{request.QueryString} {await reader.ReadToEndAsync()}".TrimEnd());
        if (ErrorStatus is { } status)
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync("{\"title\":\"No\",\"detail\":\"the fake says no.\"}");
            return;
        }

        await (path["/api/v1/".Length..] switch
        {
            "stats" => WriteAsync(context, Stats(), ApiJson.Default.NodeStats),
            "nodes" => WriteAsync(context,
                new ClusterStatus("prod", "fake", 7, "00ff",
                [
                    new("fake", "z1", 3, "live", null, ["10.0.0.1:7402"]),
                    new("other", "", 0, "restarting", DateTimeOffset.UnixEpoch, ["10.0.0.2:7402", "10.1.0.2:7402"]),
                ]),
                ApiJson.Default.ClusterStatus),
            "mounts" => WriteAsync(context,
                [new("models", "bucket-of-models", "s3://acme/prod", null, Objects.Count, 0, 0, true)],
                ApiJson.Default.IReadOnlyListMountStatus),
            "objects" => WriteAsync(
                context, Page(request.Query["path"]!, request.Query["continuation"]), ApiJson.Default.ObjectPage),
            "jobs" when request.Method == "GET" =>
                WriteAsync(context, Job.Take(1).ToArray(), ApiJson.Default.IReadOnlyListJobStatus),
            "pins" => WriteAsync(context, new PinResult(2, 3 << 20), ApiJson.Default.PinResult),
            "posix" => WriteAsync(
                context, new PosixStatus("/mnt/thaw", request.Method == "POST", true, 0),
                ApiJson.Default.PosixStatus),
            "free" => WriteAsync(context, new FreeResult(4, 5 << 20, 1, 2), ApiJson.Default.FreeResult),
            _ => AnswerJobAsync(context),
        });
    }

    private Task AnswerJobAsync(HttpContext context)
    {
        var job = Job[Math.Min(_jobAt++, Job.Length - 1)];
        if (_jobAt > 1)
            JobPolled.TrySetResult();
        return WriteAsync(context, job, ApiJson.Default.JobStatus);
    }

    private static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type) =>
        context.Response.WriteAsync(JsonSerializer.Serialize(value, type));

    private NodeStats Stats()
    {
        var tier = new TierStats(0, 0, 0, 0);
        return new NodeStats(
            "fake", "0", 1, new(0, 0, 0, 0, new(0, 0, 0, 0, 0)), new(tier, tier, tier), new(0, 0, 0), null,
            new(0, 0, 0, 0, 0, 0, 0, []), new(0, 0), new(0, 0, 0, 0))
        { S3Endpoint = Url };
    }

    // One object on each page, so that paging is always walked.
    private ObjectPage Page(string path, string? continuation)
    {
        var prefix = path["models/".Length..];
        var keys = Objects.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToList();
        var at = continuation is { Length: > 0 } ? int.Parse(continuation, CultureInfo.InvariantCulture) : 0;
        var next = at + 1 < keys.Count ? (at + 1).ToString(CultureInfo.InvariantCulture) : null;
        return new ObjectPage([.. keys.Skip(at).Take(1).Select(Status)], next, false);
    }

    private ObjectStatus Status(string key)
    {
        var bytes = Objects[key];
        var crc = CrcOverride ?? (KnowsCrc ? Crc32C.Compute(bytes).ToString("x8", CultureInfo.InvariantCulture) : null);
        return new ObjectStatus(
            $"models/{key}", bytes.Length, bytes.Length / 2, ETag, "id", DateTimeOffset.UnixEpoch, "x/y",
            "none", crc, false, null, ["fake"]);
    }

    private async Task AnswerBytesAsync(HttpContext context, string key)
    {
        Gets.Enqueue((key, context.Request.Headers.Range.ToString()));
        // Not the queue's length: two GETs at once would both see it with the other one in it.
        if (Fault?.Invoke(context, Interlocked.Increment(ref _gets)) == true)
            return;
        if (!Objects.TryGetValue(key, out var bytes))
        {
            context.Response.StatusCode = 404;
            return;
        }

        if (context.Request.Headers.IfMatch.Count > 0 && context.Request.Headers.IfMatch != ETag)
        {
            context.Response.StatusCode = 412;
            return;
        }

        var range = context.Request.GetTypedHeaders().Range!.Ranges.Single();
        context.Response.StatusCode = 206;
        context.Response.Headers.ETag = ETag;
        context.Response.Headers.ContentRange = $"bytes {range.From}-{range.To}/{bytes.Length}";
        await context.Response.Body.WriteAsync(bytes.AsMemory((int)range.From!, (int)(range.To! - range.From + 1)));
    }
}
