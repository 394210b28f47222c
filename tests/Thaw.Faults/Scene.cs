using System.Net.Sockets;
using Thaw.Core.Api;
using Thaw.Testing;

namespace Thaw.Faults;

/// <summary>A node in a process of its own, an origin in this one, and a client.</summary>
internal sealed class Scene : IAsyncDisposable
{
    private Scene(FaultyOrigin origin, ThawProcess node) => (Origin, Node) = (origin, node);

    public FaultyOrigin Origin { get; }

    public ThawProcess Node { get; }

    public HttpClient Http { get; } = new() { Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="fill">Puts objects.</param>
    /// <param name="settings">Of the node.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="listening">Where the origin listens, if not on 127.0.0.1.</param>
    public static async Task<Scene> StartAsync(
        Action<FaultyOrigin> fill, Func<FaultyOrigin, ThawSettings> settings, CancellationToken cancellationToken,
        Socket? listening = null)
    {
        var origin = await FaultyOrigin.StartAsync(listening);
        try
        {
            fill(origin);
            return new Scene(origin, await ThawProcess.StartAsync(settings(origin), cancellationToken));
        }
        catch
        {
            await origin.DisposeAsync();
            throw;
        }
    }

    public Uri Uri(string mount, string key) => new(Node.S3, $"/{mount}/{key}");

    public string Describe() => $"the origin sent {Origin.Log.BytesSent} bytes; the node's log:\n{Node.Log}";

    /// <summary>Counters once nothing is under way: what was fetched is kept, and every buffer is back.</summary>
    public async Task<NodeStats> IdleStatsAsync(CancellationToken cancellationToken)
    {
        NodeStats? stats = null;
        await Eventually.HoldsAsync(
            "nothing is in flight",
            async () => (stats = await Node.GetStatsAsync(cancellationToken)).InFlight
                is { Chunks: 0, Readers: 0, MemoryBytes: 0 },
            () => $"{stats?.InFlight}", TimeSpan.FromSeconds(30), cancellationToken);
        return stats!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Node.DisposeAsync();
        await Origin.DisposeAsync();
    }
}
