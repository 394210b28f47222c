using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Api;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Units;
using Thaw.Daemon;
using Thaw.Testing;
using Thaw.Testing.Origins;

namespace Thaw.Tests.Cache;

/// <summary>
/// One run of the property: readers at random against a real node over HTTP, while someone overwrites and removes
/// objects, frees what is cached, restarts the node and lets the origin fail.
/// </summary>
internal sealed class MixRun(int seed, TimeSpan? revalidate) : IAsyncDisposable
{
    /// <summary>Whether a request may end in an error.</summary>
    private enum MayEnd
    {
        Always,
        IfChanged,
        Never,
    }

    private const string Bucket = "bucket";
    private const int Keys = 6;
    private const int Readers = 4;
    private const int RequestsOfReader = 48;

    private static readonly long[] Sizes =
    [
        0, 1, Geometry.InlineBytes, Geometry.InlineBytes + 1, Geometry.BlockBytes - 1, Geometry.BlockBytes,
        Geometry.BlockBytes + 1, Geometry.ChunkBytes - 1, Geometry.ChunkBytes, Geometry.ChunkBytes + 1,
        2 * Geometry.ChunkBytes + Geometry.BlockBytes + 1, 3 * Geometry.ChunkBytes,
    ];

    // In one half of the runs versions are evicted all the time; then a full disk may leave chunks in memory.
    private readonly bool _isTight = seed % 2 == 0;
    private readonly JumpingClock _clock = new();
    private readonly TempFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly ConcurrentQueue<string> _wrong = new();
    private FaultyOrigin _origin = null!; // made first
    private VersionModel _model = null!;
    private Node _node = null!;
    private volatile Task _restart = Task.CompletedTask;
    private int _answers;
    private int _errors;
    private int _contents;

    /// <summary>Answers that were judged, and requests that ended in an error.</summary>
    public (int Answers, int Errors) Count => (_answers, _errors);

    /// <summary>Runs; returns what was wrong.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        _origin = await FaultyOrigin.StartAsync();
        _model = new VersionModel(_origin, Bucket, _clock);
        var random = new Random(seed);
        for (var key = 0; key < Keys; key++)
            Change(random, $"key-{key}", mayRemove: false);
        _node = await StartNodeAsync(cancellationToken);
        var faults = new Random(random.Next());
        _origin.Faults = request => FaultOf(faults, request);
        using var over = new CancellationTokenSource();
        var disturbing = DisturbAsync(new Random(random.Next()), over.Token, cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, Readers).Select(
            _ => ReadManyAsync(new Random(random.Next()), cancellationToken)).ToArray());
        await over.CancelAsync();
        await disturbing;
        _origin.Faults = null;
        await CheckQuietAsync(cancellationToken);
        return [.. _wrong];
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _node.DisposeAsync();
        await _origin.DisposeAsync();
        _folder.Dispose();
    }

    private async Task ReadManyAsync(Random random, CancellationToken cancellationToken)
    {
        for (var count = 0; count < RequestsOfReader; count++)
        {
            // A request that finds nobody listening proves nothing.
            await _restart;
            var key = $"key-{random.Next(Keys)}";
            await AskAsync(new MixRequest(key, _model.All(key), random), MayEnd.Always, cancellationToken);
        }
    }

    /// <summary>One request, judged; true if it had an answer, false if it ended in an error.</summary>
    private async Task<bool> AskAsync(MixRequest request, MayEnd mayEnd, CancellationToken cancellationToken)
    {
        var from = _clock.GetUtcNow();
        string? wrong;
        var answered = false;
        try
        {
            using var message = request.ToMessage(new Uri($"http://{Volatile.Read(ref _node).S3}"));
            using var answer = await _http.SendAsync(
                message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var body = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            answered = answer.StatusCode < HttpStatusCode.InternalServerError;
            var oldest = revalidate is { } age ? from - age : DateTimeOffset.MinValue;
            wrong = answered
                ? request.Judge(_model.PresentBetween(request.Key, oldest, _clock.GetUtcNow()), answer, body)
                : Unexplained(mayEnd, Encoding.UTF8.GetString(body));
            if (wrong is not null)
                wrong = $"{request} -> {(int)answer.StatusCode} {answer.Headers.ETag}, {body.Length} bytes: {wrong}";
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            wrong = mayEnd == MayEnd.Never ? $"{request} broke without a cause: {broken.Message}" : null;
        }

        Interlocked.Increment(ref answered ? ref _answers : ref _errors);
        if (wrong is not null)
            _wrong.Enqueue(wrong);
        return answered;
    }

    /// <summary>
    /// With nobody disturbing, a key costs at most one error: its version is still believed, its bytes are gone from
    /// the cache (the evictor works in the background, so perhaps between two reads) and from the origin. Whoever asks
    /// again has an answer. Where every read asks the origin, and once the time of belief is over, there is no error.
    /// </summary>
    private async Task CheckQuietAsync(CancellationToken cancellationToken)
    {
        foreach (var key in _model.Keys)
        {
            var mayEnd = revalidate == TimeSpan.Zero ? MayEnd.Never : MayEnd.IfChanged;
            for (var read = 0; read < 3; read++)
            {
                if (read == 2 && revalidate is { } age)
                {
                    _clock.Jump(2 * age);
                    mayEnd = MayEnd.Never;
                }

                if (!await AskAsync(new MixRequest(key), mayEnd, cancellationToken))
                    mayEnd = MayEnd.Never;
            }
        }

        var inFlight = _node.Cache.Control.GetStats().InFlight;
        await Eventually.HoldsAsync(
            "nothing is in flight",
            () => new((inFlight = _node.Cache.Control.GetStats().InFlight) is { Chunks: 0, Readers: 0 }
                && (_isTight || inFlight.MemoryBytes == 0)),
            () => $"{inFlight}", TimeSpan.FromSeconds(20), cancellationToken);
        if (_node.Cache.Control.GetStats().Cache.CorruptChunks is var corrupt and not 0)
            _wrong.Enqueue($"{corrupt} corrupt chunks");
    }

    private static string? Unexplained(MayEnd mayEnd, string error) =>
        mayEnd == MayEnd.Always || (mayEnd == MayEnd.IfChanged && error.Contains("changed", StringComparison.Ordinal))
            ? null
            : $"an error without a cause: {error}";

    private async Task DisturbAsync(Random random, CancellationToken over, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        while (!over.IsCancellationRequested && await timer.WaitForNextTickAsync(cancellationToken))
        {
            var key = $"key-{random.Next(Keys)}";
            switch (random.Next(24))
            {
                case < 4:
                    Change(random, key, mayRemove: true);
                    break;
                case < 7:
                    await _node.Cache.Control.FreeAsync(new PathsRequest([$"models/{key}"]), cancellationToken);
                    break;
                case 13 when revalidate is { } age:
                    _clock.Jump(age);
                    break;
                case 14 when random.Next(3) == 0:
                    await (_restart = RestartAsync(cancellationToken));
                    break;
            }
        }
    }

    private async Task RestartAsync(CancellationToken cancellationToken)
    {
        await _node.DisposeAsync();
        Volatile.Write(ref _node, await StartNodeAsync(cancellationToken));
    }

    private void Change(Random random, string key, bool mayRemove)
    {
        var size = Sizes[random.Next(Sizes.Length)];
        var content = mayRemove && random.Next(10) == 0
            ? null
            : FakeContent.Of(size, unchecked(seed * 1000 + Interlocked.Increment(ref _contents)));
        _model.Change(key, content, withSum: random.Next(2) == 0);
    }

    private static Fault? FaultOf(Random random, OriginRequest request)
    {
        lock (random)
            return random.Next(request.IsHead ? 12 : 8) switch
            {
                0 => new Fault { Status = 503 },
                1 when !request.IsHead => new Fault { ResetAfter = random.Next(Geometry.ChunkBytes) },
                2 when !request.IsHead => new Fault { TruncateAfter = random.Next(Geometry.ChunkBytes) },
                3 => new Fault { Latency = TimeSpan.FromMilliseconds(random.Next(30)) },
                4 when !request.IsHead => new Fault { BytesPerSecond = random.Next(20, 200) * 1_000_000L },
                _ => null,
            };
    }

    private Task<Node> StartNodeAsync(CancellationToken cancellationToken) => Node.StartAsync(
        new ThawConfig
        {
            Node = new NodeConfig { Name = "node-1" },
            Cache = new CacheConfig
            {
                Disks = [new DiskConfig(_folder["cache"], new ByteSize(_isTight ? 48L << 20 : 1L << 30), null)],
                Memory = new ByteSize(64L << 20),
            },
            Mounts = [Mount()],
            S3 = new S3Config { Listen = new IPEndPoint(IPAddress.Loopback, 0) },
            Control = new ControlConfig { Listen = new IPEndPoint(IPAddress.Loopback, 0) },
        },
        new NodeOptions { Clock = _clock }, NullLoggerFactory.Instance, cancellationToken);

    private MountConfig Mount() => S3OriginUnderTest.MountOf(_origin.Endpoint, Bucket) with
    {
        Revalidate = revalidate,
        StaleIfError = TimeSpan.Zero,
    };
}
