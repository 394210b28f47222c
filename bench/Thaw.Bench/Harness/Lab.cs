using System.Net;
using System.Net.Sockets;

namespace Thaw.Bench.Harness;

/// <summary>
/// What every benchmark works with: the node's binary, a directory that goes at the end, the servers from the
/// configurations in bench/peers, and the pairs in turns. One benchmark at a time on an otherwise idle machine.
/// </summary>
internal sealed class Lab : IDisposable
{
    private readonly Options _options;
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("thaw-bench-");
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private int _turns;

    public Lab(Options options) => _options = options;

    /// <summary>The finished rows.</summary>
    public List<Comparison> Rows { get; } = [];

    /// <summary>Pairs of each comparison.</summary>
    public int Pairs => _options.IsQuick ? 3 : 9;

    /// <summary>Where the node's control endpoint listens.</summary>
    public int ControlPort { get; } = FreePort();

    /// <summary>A path below the directory that goes at the end.</summary>
    public string this[string name] => Path.Combine(_work.FullName, name);

    /// <summary>A file of bench/peers.</summary>
    public string Peer(string file) => Path.Combine(_options.Root, "bench", "peers", file);

    /// <summary>The node's counters.</summary>
    public ServedTiers Tiers() => ServedTiers.Read(_http, ControlPort);

    /// <summary>
    /// Measures two in turns, the first of a pair alternating, so that whatever the machine does meanwhile meets both.
    /// </summary>
    /// <param name="row">What is compared.</param>
    /// <param name="ours">One turn of Thaw.</param>
    /// <param name="peer">One turn of the other.</param>
    public void Compare(Comparison row, Func<Turn> ours, Func<Turn> peer)
    {
        for (var pair = 0; pair < Pairs; pair++)
            foreach (var isOurs in _turns++ % 2 == 0 ? [true, false] : (bool[])[false, true])
                row.Add(isOurs, isOurs ? ours() : peer());
        Rows.Add(row);
        Console.Error.WriteLine(row.Row());
    }

    /// <summary>Starts a node with one mount and an empty cache, unless the directory holds one.</summary>
    /// <param name="cache">Name of the cache directory.</param>
    /// <param name="mount">The mount's lines of the configuration, in braces.</param>
    /// <param name="path">Path of the measured object.</param>
    public ServerProcess StartThaw(string cache, string mount, string path)
    {
        var port = FreePort();
        var config = this["thaw.yaml"];
        File.WriteAllText(config, $$"""
            node: {name: bench, drain: 5s}
            cache: {disks: [{path: {{this[cache]}}, capacity: 8GiB}], memory: 256MiB}
            s3: {listen: 127.0.0.1:{{port}}}
            control: {listen: 127.0.0.1:{{ControlPort}}}
            mounts: [{{mount}}]
            """);
        return ServerProcess.Start(
            "thaw", IPAddress.Loopback, port, path,
            _options.Binary, "serve", "--config", config, "--log-level", "warning");
    }

    /// <summary>Starts nginx with a configuration of bench/peers.</summary>
    public ServerProcess StartNginx(
        string name, string file, string path, IPAddress address, string[] prefix, (string Name, string Value)[] values)
    {
        var port = FreePort();
        var run = Directory.CreateDirectory(this[Path.GetFileNameWithoutExtension(file)]).FullName;
        var text = File.ReadAllText(Peer(file)).Replace("RUNDIR", run, StringComparison.Ordinal);
        foreach (var (key, value) in values)
            text = text.Replace(key, value, StringComparison.Ordinal);
        text = text.Replace("ADDRESS:PORT", $"{address}:{port}", StringComparison.Ordinal);
        // As root, nginx gives its workers another user, who may not enter a temporary directory.
        if (Environment.UserName == "root")
            text = "user root;\n" + text;
        var config = Path.Combine(run, "nginx.conf");
        File.WriteAllText(config, text);
        string[] command = [.. prefix, "nginx", "-c", config];
        return ServerProcess.Start(name, address, port, path, command[0], command[1..]);
    }

    /// <summary>Writes incompressible bytes.</summary>
    public void WriteModel(string path, long sizeBytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        var random = new Random(7);
        var piece = new byte[8 << 20];
        using var file = File.Create(this[path], 1);
        for (long done = 0; done < sizeBytes; done += piece.Length)
        {
            random.NextBytes(piece);
            file.Write(piece);
        }
    }

    /// <summary>Deletes a directory of an earlier turn.</summary>
    public void Clear(string name)
    {
        if (Directory.Exists(this[name]))
            Directory.Delete(this[name], recursive: true);
    }

    public static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        _http.Dispose();
        _work.Delete(recursive: true);
    }
}

/// <summary>What the command line says.</summary>
/// <param name="Binary">The node's binary.</param>
/// <param name="Root">The checkout.</param>
/// <param name="IsQuick">Few turns, and no result is kept.</param>
/// <param name="Controls">Congestion controls; null: the machine's own, then cubic.</param>
internal sealed record Options(string Binary, string Root, bool IsQuick, string? Controls)
{
    public static Options Parse(string[] arguments) => new(
        Value(arguments, "--thaw") ?? throw new ArgumentException("--thaw PATH is missing"),
        Value(arguments, "--root") ?? throw new ArgumentException("--root DIRECTORY is missing"),
        arguments.Contains("--quick"), Value(arguments, "--control"));

    private static string? Value(string[] arguments, string name) =>
        Array.IndexOf(arguments, name) is var at and >= 0 && at + 1 < arguments.Length ? arguments[at + 1] : null;
}
