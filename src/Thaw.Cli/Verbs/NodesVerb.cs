using System.CommandLine;
using System.Globalization;
using Thaw.Core.Api;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw nodes</c>.</summary>
internal static class NodesVerb
{
    public static Command Create(VerbHost host)
    {
        var verb = new Verb("nodes", "Lists the members of the cluster, as a node sees them",
            "thaw nodes", "thaw nodes --node http://10.0.0.17:7401 --json");
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var reply = await client.GetNodesAsync(cancellationToken);
            if (reply.Value is not { } cluster)
                return host.Terminal.Fail(reply.Failure!);
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(cluster, ApiJson.Default.ClusterStatus);
            else
                Write(host.Terminal, cluster);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Write(Terminal terminal, ClusterStatus cluster)
    {
        terminal.WriteTable(
            ["NODE", "STATE", "ZONE", "ADDRESSES", "WEIGHT"],
            cluster.Nodes.Select(IReadOnlyList<string> (node) =>
            [
                node.Name == cluster.Node ? $"{node.Name} *" : node.Name,
                node.Until is { } until
                    ? $"{node.State} until {until.ToString("u", CultureInfo.InvariantCulture)}" : node.State,
                node.Zone.Length == 0 ? "-" : node.Zone, string.Join(' ', node.Addresses),
                node.Weight.ToString(CultureInfo.InvariantCulture),
            ]), textColumns: 4);
        terminal.Out.WriteLine(
            $"cluster {cluster.Name}, {cluster.Nodes.Length} nodes, members {cluster.Hash}; "
            + "* is the node that was asked");
    }
}
