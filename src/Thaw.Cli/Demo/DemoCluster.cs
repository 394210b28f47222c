using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Thaw.Cli.Demo;

/// <summary>What the demo's cluster is made of.</summary>
/// <param name="Place">Directory for configurations and caches.</param>
/// <param name="Bucket">The bucket, here and at the origin.</param>
/// <param name="Origin">Endpoint of the origin.</param>
/// <param name="ModelBytes">Size of the model.</param>
/// <param name="UsualPorts">The first node takes the usual ports where they are free.</param>
internal sealed record DemoPlan(string Place, string Bucket, Uri Origin, long ModelBytes, bool UsualPorts);

/// <summary>Three empty nodes on loopback that know each other, each a process of its own.</summary>
internal sealed class DemoCluster : IAsyncDisposable
{
    /// <summary>Nodes in the cluster.</summary>
    public const int Size = 3;

    private const int FirstUsualPort = 7400; // S3, control, peers

    private DemoCluster(IReadOnlyList<ChildNode> nodes) => Nodes = nodes;

    /// <summary>The nodes, all ready.</summary>
    public IReadOnlyList<ChildNode> Nodes { get; }

    /// <summary>Starts the nodes and waits until all are ready.</summary>
    public static async Task<Reply<DemoCluster>> StartAsync(DemoPlan plan, CancellationToken cancellationToken)
    {
        var ports = FreePorts(Size);
        var usual = plan.UsualPorts && Enumerable.Range(FirstUsualPort, 3).All(IsFree);
        if (usual)
            ports[0] = FirstUsualPort + 2;
        var replies = await Task.WhenAll(Enumerable.Range(0, Size).Select(async index =>
        {
            var file = Path.Combine(plan.Place, Name(index) + ".yaml");
            await File.WriteAllTextAsync(
                file, Configuration(plan, index, ports, usual && index == 0), cancellationToken);
            return await ChildNode.StartAsync(file, cancellationToken);
        }));
        var cluster = new DemoCluster([.. replies.Select(reply => reply.Value).OfType<ChildNode>()]);
        if (replies.FirstOrDefault(reply => reply.Failure is not null) is not { Failure: { } failure })
            return cluster;
        await cluster.DisposeAsync();
        return failure;
    }

    /// <summary>The last lines of every node's log.</summary>
    public string LastLines() =>
        string.Join('\n', Nodes.Select(node => $"{node.Report.Node}: {node.LastLines()}"));

    /// <inheritdoc />
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(Nodes.Select(node => node.DisposeAsync().AsTask()));

    private static string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"demo-{index + 1}");

    private static string Configuration(DemoPlan plan, int index, int[] ports, bool usual)
    {
        var members = string.Join(", ", ports.Select((port, member) => string.Create(
            CultureInfo.InvariantCulture, $"{Name(member)}=127.0.0.1:{port}")));
        var capacity = Math.Max(1L << 30, plan.ModelBytes + plan.ModelBytes / 4);
        return string.Create(CultureInfo.InvariantCulture, $$"""
            cluster:
              name: demo
              discovery: static
              nodes: [{{members}}]
            node: {name: {{Name(index)}}, drain: 2s}
            cache:
              disks:
                - path: '{{plan.Place}}/{{Name(index)}}'
                  capacity: {{capacity}}
              memory: 256MiB
            mounts:
              - name: {{plan.Bucket}}
                origin: s3://{{plan.Bucket}}
                endpoint: '{{plan.Origin}}'
                region: us-east-1
                credentials: {anonymous: true}
            s3: {listen: '127.0.0.1:{{(usual ? FirstUsualPort : 0)}}'}
            control: {listen: '127.0.0.1:{{(usual ? FirstUsualPort + 1 : 0)}}'}
            peer: {listen: ['127.0.0.1:{{ports[index]}}']}

            """);
    }

    // They are free now; whoever is faster in taking one makes a node refuse to start, which says so.
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners)
            listener.Start();
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners)
            listener.Dispose();
        return ports;
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
