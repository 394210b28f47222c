using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Configuration;

namespace Thaw.Daemon.Checks;

/// <summary>
/// Whether a node could listen where it is told to. The node itself may run already: then it is asked who it is.
/// </summary>
internal static class PortChecks
{
    private const string Name = "port";

    /// <param name="config">The configuration.</param>
    /// <param name="node">Who answers at its control endpoint.</param>
    public static IReadOnlyList<Check> Run(ThawConfig config, NodeStats? node)
    {
        return
        [
            Listen("s3.listen", config.S3.Listen, node, config.Node.Name,
                node?.S3Endpoint == $"http://{config.S3.Listen}"),
            Listen("control.listen", config.Control.Listen, node, config.Node.Name, node is not null),
        ];
    }

    private static Check Listen(string option, IPEndPoint endpoint, NodeStats? node, string name, bool isThatNode)
    {
        var where = $"{option} {endpoint}";
        using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
            socket.Listen();
            return Check.Ok(Name, where, endpoint.Port == 0 ? "a free one is taken" : "it is free");
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            if (!isThatNode)
                return Check.Fail(Name, where, "another process listens there",
                    $"stop that one (\"ss -ltnp sport = :{endpoint.Port}\" names it), or listen elsewhere.");
            return node!.Node == name
                ? Check.Ok(Name, where, $"node {name} listens there, version {node.Version}")
                : Check.Fail(Name, where, $"another node listens there: {node.Node}",
                    "stop that one, or listen elsewhere.");
        }
        catch (SocketException refused)
        {
            return Check.Fail(Name, where, refused.Message.TrimEnd('.'), "choose an address and port of this host.");
        }
    }

    /// <summary>The node that answers at an endpoint, if any does.</summary>
    public static async Task<NodeStats?> AskAsync(IPEndPoint control, CancellationToken cancellationToken)
    {
        if (control.Port == 0)
            return null;
        using var http = new HttpClient { Timeout = Limits.OriginConnect };
        try
        {
            return await http.GetFromJsonAsync(
                $"http://{control}/api/v1/stats", ApiJson.Default.NodeStats, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null; // nobody, or nobody that speaks as a node does
        }
    }
}
