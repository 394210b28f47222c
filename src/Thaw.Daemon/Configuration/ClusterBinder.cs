using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Thaw.Core.Cluster;
using Thaw.Core.Configuration;

namespace Thaw.Daemon.Configuration;

/// <summary>The options of the cluster, and their checks against each other.</summary>
internal static class ClusterBinder
{
    private const string Names = "use 1 to 63 letters, digits, '.', '_' and '-'.";

    public static ClusterConfig Bind(ConfigValues values)
    {
        var name = values.Get("cluster.name", new ClusterConfig().Name);
        if (!ConfigBinder.IsName(name))
            Report(values, "cluster.name", $"\"{OptionText.Shorten(name)}\" is no cluster name; {Names}");
        return new ClusterConfig
        {
            Name = name,
            Discovery = values.Get("cluster.discovery", "static") == "etcd" ? DiscoveryKind.Etcd : DiscoveryKind.Static,
            Nodes = BindNodes(values),
            Etcd = BindEtcd(values),
            Copies = (int)values.Get("cluster.copies", 1L),
            SecretFile = values.Get<string?>("cluster.secretFile", null),
        };
    }

    public static PeerConfig BindPeer(ConfigValues values)
    {
        ImmutableArray<IPEndPoint> listen = [.. values.GetList<IPEndPoint>("peer.listen").Select(item => item.Value)];
        return listen.IsEmpty ? new PeerConfig() : new PeerConfig { Listen = listen };
    }

    public static string BindZone(ConfigValues values)
    {
        var zone = values.Get("node.zone", "");
        if (zone.Length > 0 && !ConfigBinder.IsName(zone))
            Report(values, "node.zone", $"\"{OptionText.Shorten(zone)}\" is no zone; {Names}");
        return zone;
    }

    public static ImmutableArray<NodeAddress> BindAdvertise(ConfigValues values)
    {
        var addresses = ImmutableArray.CreateBuilder<NodeAddress>();
        foreach (var (key, text) in values.GetList<string>("node.advertise"))
            if (NodeAddress.TryParse(text, out var address))
                addresses.Add(address);
            else
                Report(values, key, $"\"{OptionText.Shorten(text)}\" is no address; write host:port.");
        return addresses.ToImmutable();
    }

    /// <summary>Checks that need more than one group.</summary>
    public static void Check(ThawConfig config, ConfigValues values)
    {
        if (config.Cluster.Discovery == DiscoveryKind.Etcd)
            CheckEtcd(config, values);
        else
            CheckStatic(config, values);
        if (!config.Cluster.IsConfigured)
            return;
        if (config.Peer.Listen.Any(listen => listen.Port == 0))
            Report(values, "peer.listen", "the others have to know the port; write one.");
        foreach (var listen in config.Peer.Listen)
            if (!IPAddress.IsLoopback(listen.Address) && config.Cluster.SecretFile is null && !config.Insecure)
                Report(values, "peer.listen",
                    $"{listen} can be reached from other hosts and nothing asks who they are; name a "
                        + "cluster.secretFile, or write insecure: true if the network is trusted.");
    }

    private static void CheckEtcd(ThawConfig config, ConfigValues values)
    {
        if (values.Count("cluster.etcd.endpoints") == 0 && !values.IsBad("cluster.etcd.endpoints"))
            Report(values, "cluster.etcd.endpoints",
                "with discovery: etcd at least one is needed, such as http://127.0.0.1:2379.");
        if (values.Count("cluster.nodes") > 0)
            Report(values, "cluster.nodes", "with discovery: etcd the members come from there; remove the list.");
        if (config.Node.Advertise.IsEmpty && config.Peer.Listen.Any(IsAny) && values.Count("node.advertise") == 0)
            Report(values, "node.advertise",
                "peer.listen takes every address of this host; write those at which other nodes reach it.");
    }

    private static void CheckStatic(ThawConfig config, ConfigValues values)
    {
        foreach (var key in (string[])["node.zone", "node.weight"])
            if (values.Has(key))
                Report(values, key, "a static list tells zones and weights, the same on every node; write zone=... and "
                    + "weight=... behind the node in cluster.nodes.");
        if (values.Count("node.advertise") > 0)
            Report(values, "node.advertise", "a static list tells the addresses; write this node's in cluster.nodes.");
        if (values.Count("cluster.etcd.endpoints") > 0 || values.Has("cluster.etcd.prefix"))
            Report(values, "cluster.etcd", "it is used only with discovery: etcd; write that too, or remove it.");
        if (config.Cluster.Nodes.IsEmpty)
            return;
        if (config.Cluster.Nodes.All(node => node.Name != config.Node.Name))
            Report(values, "cluster.nodes",
                $"this node is called {config.Node.Name} and is not in the list; add it, or set node.name.");
    }

    private static ImmutableArray<ClusterMember> BindNodes(ConfigValues values)
    {
        var nodes = ImmutableArray.CreateBuilder<ClusterMember>();
        foreach (var (key, text) in values.GetList<string>("cluster.nodes"))
            if (ParseNode(text) is not { } node)
                Report(values, key, $"\"{OptionText.Shorten(text)}\" is no node; write name=host:port, and behind it "
                    + "zone=... and weight=... if need be.");
            else if (nodes.Any(other => other.Name == node.Name))
                Report(values, key, $"{node.Name} stands here a second time; write all its addresses behind its name, "
                    + "with commas.");
            else
                nodes.Add(node);
        return nodes.ToImmutable();
    }

    /// <summary><c>gpu-017=10.0.0.17:7402,10.1.0.17:7402 zone=us-central1-a weight=4</c>.</summary>
    private static ClusterMember? ParseNode(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (name, written) = Split(words.FirstOrDefault(""));
        var addresses = ImmutableArray.CreateBuilder<NodeAddress>();
        foreach (var one in written.Split(','))
            if (NodeAddress.TryParse(one, out var address))
                addresses.Add(address);
            else
                return null;
        var node = new ClusterMember { Name = name, Addresses = addresses.ToImmutable() };
        foreach (var (word, value) in words.Skip(1).Select(Split))
            if (word == "zone" && ConfigBinder.IsName(value))
                node = node with { Zone = value };
            else if (word == "weight"
                && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var weight)
                && weight <= ClusterMember.WeightMost)
                node = node with { Weight = weight };
            else
                return null;
        return ConfigBinder.IsName(name) ? node : null;
    }

    private static (string Word, string Value) Split(string text) =>
        text.IndexOf('=', StringComparison.Ordinal) is >= 0 and var at ? (text[..at], text[(at + 1)..]) : (text, "");

    private static EtcdConfig BindEtcd(ConfigValues values)
    {
        var endpoints = ImmutableArray.CreateBuilder<Uri>();
        foreach (var (key, text) in values.GetList<string>("cluster.etcd.endpoints"))
            if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                && url.PathAndQuery == "/" && url.UserInfo.Length == 0)
                endpoints.Add(url);
            else
                Report(values, key, $"\"{OptionText.Shorten(text)}\" is no endpoint; write http://host:2379.");
        var prefix = values.Get("cluster.etcd.prefix", new EtcdConfig().Prefix);
        if (prefix.Length < 2 || prefix.EndsWith('/'))
            Report(values, "cluster.etcd.prefix", $"\"{OptionText.Shorten(prefix)}\" is no prefix; write one such as "
                + "/thaw.");
        return new EtcdConfig { Endpoints = endpoints.ToImmutable(), Prefix = prefix };
    }

    private static bool IsAny(IPEndPoint listen) =>
        listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any);

    private static void Report(ConfigValues values, string key, string sentence) =>
        values.Report(values.Line(key), key, sentence);
}
