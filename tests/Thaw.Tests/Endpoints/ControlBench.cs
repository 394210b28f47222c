using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Configuration;
using Thaw.Core.Metering;
using Thaw.Endpoints.Control;
using Xunit;

namespace Thaw.Tests.Endpoints;

/// <summary>A real control endpoint on a free port over a fake node.</summary>
internal sealed class ControlBench : IAsyncDisposable
{
    private readonly ControlServer _server;
    private readonly Meter _cacheMeter;

    private ControlBench(FakeNode node, MountMeter mount)
    {
        (Node, Mount) = (node, mount);
        var config = new ControlConfig { Listen = new IPEndPoint(IPAddress.Loopback, 0) };
        _server = new ControlServer(node, () => [mount], config, NullLoggerFactory.Instance);
        _cacheMeter = new Meter(new MeterOptions("Thaw") { Scope = node });
        ChunkFetch = _cacheMeter.CreateHistogram<double>(
            "thaw_chunk_fetch_seconds", "s", "Time from the start of a chunk's fetch until its last block is checked.");
    }

    public FakeNode Node { get; }

    public MountMeter Mount { get; }

    public Histogram<double> ChunkFetch { get; }

    public HttpClient Http { get; private set; } = new();

    public static async Task<ControlBench> StartAsync()
    {
        var bench = new ControlBench(new FakeNode(), new MountMeter("models"));
        await bench._server.StartAsync(TestContext.Current.CancellationToken);
        bench.Http = new HttpClient { BaseAddress = new Uri($"http://{bench._server.EndPoint}") };
        return bench;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _cacheMeter.Dispose();
        await _server.StopAsync(TestContext.Current.CancellationToken);
        await _server.DisposeAsync();
    }
}
