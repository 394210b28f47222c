using System.Text.Json;
using Thaw.Bench.Transfer;

namespace Thaw.Bench.ColdStart;

/// <summary>
/// The origin and what stands between it and the readers: nodes of a cluster, one shared cache, or nothing. Ended when
/// disposed. What the origin sent is taken from its own log.
/// </summary>
internal sealed class ColdCrew : IDisposable
{
    private readonly List<Worker> _servers = [];
    private readonly string _folder;
    private readonly string[] _spaces;

    private ColdCrew(string folder, string[] spaces) => (_folder, _spaces) = (folder, spaces);

    /// <summary>Where the reader in each space finds the model.</summary>
    public required string Base { get; init; }

    /// <summary>Seconds of processor time of the servers so far, the origin's included.</summary>
    public double ProcessorSeconds => _servers.Sum(server => server.ProcessorSeconds);

    /// <summary>Bytes of bodies that the origin has sent, by its log.</summary>
    public long OriginBytes => File.ReadLines(Path.Combine(_folder, "origin", "bytes.log")).Sum(long.Parse);

    /// <summary>A cluster with a node in each space.</summary>
    public static ColdCrew Thaw(ColdPlace place, string thaw, string[] spaces)
    {
        var crew = new ColdCrew(place.Folder, spaces) { Base = "http://127.0.0.1:7400/models/" };
        crew.StartOrigin(place);
        File.WriteAllText(Path.Combine(place.Folder, "secret"), "a secret of the benchmark, long enough");
        for (var index = 0; index < spaces.Length; index++)
            crew._servers.Add(new Worker(spaces[index], thaw, "serve", "--config", NodeConfig(place, index),
                "--log-level", "warning").Unheard());
        foreach (var space in spaces)
            Star.WaitFor(space, "http://127.0.0.1:7401/readyz");
        return crew;
    }

    /// <summary>One nginx with slices and a cache for all, in a space of its own.</summary>
    public static ColdCrew Nginx(ColdPlace place, string space, int index)
    {
        var crew = new ColdCrew(place.Folder, []) { Base = $"http://{Star.AddressOf(index)}:8080/models/" };
        crew.StartOrigin(place);
        crew.StartNginx(place, "nginx-slice.conf", "cache", space, index);
        Star.WaitFor(space, $"http://{Star.AddressOf(index)}:8080/models/");
        return crew;
    }

    /// <summary>Nothing but the origin.</summary>
    public static ColdCrew Direct(ColdPlace place)
    {
        var crew = new ColdCrew(place.Folder, []) { Base = $"http://{Star.AddressOf(0)}:8080/models/" };
        crew.StartOrigin(place);
        return crew;
    }

    /// <summary>Counters of each node, for the curious.</summary>
    public IEnumerable<string> Stats()
    {
        foreach (var space in _spaces)
        {
            using var json = JsonDocument.Parse(Star.Output(space, "curl", "-s", "http://127.0.0.1:7401/api/v1/stats"));
            var root = json.RootElement;
            yield return $"origin {root.GetProperty("origin").GetProperty("bytes").GetInt64() >> 20} MiB "
                + $"{root.GetProperty("origin").GetProperty("cause")}, peers {root.GetProperty("peers")}, "
                + $"s3 {root.GetProperty("served").GetProperty("s3")}";
        }
    }

    public void Dispose()
    {
        foreach (var server in Enumerable.Reverse(_servers))
            server.Signal("TERM");
        foreach (var server in Enumerable.Reverse(_servers))
            server.Dispose();
    }

    private void StartOrigin(ColdPlace place)
    {
        StartNginx(place, "nginx-origin.conf", "origin", place.OriginSpace, 0);
        Star.WaitFor(place.OriginSpace, $"http://{Star.AddressOf(0)}:8080/models/");
        File.WriteAllText(Path.Combine(_folder, "origin", "bytes.log"), "");
    }

    private void StartNginx(ColdPlace place, string file, string name, string space, int index)
    {
        var run = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        var text = "user root;\n" + File.ReadAllText(Path.Combine(place.Root, "bench", "peers", file))
            .Replace("RUNDIR", run, StringComparison.Ordinal)
            .Replace("ROOT", place.Work, StringComparison.Ordinal)
            .Replace("UPSTREAM", $"{Star.AddressOf(0)}:8080", StringComparison.Ordinal)
            .Replace("ADDRESS:PORT", $"{Star.AddressOf(index)}:8080", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(run, "nginx.conf"), text);
        _servers.Add(new Worker(space, "nginx", "-c", Path.Combine(run, "nginx.conf")).Unheard());
    }

    private static string NodeConfig(ColdPlace place, int index)
    {
        var members = Enumerable.Range(1, ColdScenario.Nodes).Select(one => $"n{one}={Star.AddressOf(one)}:7402");
        var path = Path.Combine(place.Folder, $"n{index + 1}.yaml");
        File.WriteAllText(path, $$"""
            node: {name: n{{index + 1}}, drain: 1s}
            cluster: {name: bench, secretFile: {{place.Folder}}/secret, nodes: [{{string.Join(", ", members)}}]}
            cache: {disks: [{path: {{place.Folder}}/n{{index + 1}}, capacity: 4GiB}], memory: 512MiB}
            s3: {listen: 127.0.0.1:7400}
            control: {listen: 127.0.0.1:7401}
            peer: {listen: [{{Star.AddressOf(index + 1)}}:7402]}
            mounts:
              - name: models
                origin: s3://models
                endpoint: http://{{Star.AddressOf(0)}}:8080
                region: us-east-1
                pathStyle: true
                credentials: {anonymous: true}
                revalidate: 1h
            """);
        return path;
    }
}

/// <summary>Where a crew lives.</summary>
/// <param name="Root">The checkout.</param>
/// <param name="Work">Directory above the bucket.</param>
/// <param name="Folder">Directory of this run.</param>
/// <param name="OriginSpace">Namespace of the origin.</param>
internal sealed record ColdPlace(string Root, string Work, string Folder, string OriginSpace);
