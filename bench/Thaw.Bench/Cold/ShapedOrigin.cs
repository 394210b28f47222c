using System.Diagnostics;
using System.Net;
using Thaw.Bench.Harness;

namespace Thaw.Bench.Cold;

/// <summary>
/// An origin in a network namespace of its own, at the other end of a veth pair: nginx over a directory laid out as
/// buckets, for anybody. A token bucket (tbf) on the origin's end caps all connections together. Needs root; namespace
/// and pair go at the end.
/// </summary>
internal sealed class ShapedOrigin : IDisposable
{
    private static readonly IPAddress Near = new([10, 231, 0, 1]);
    private static readonly IPAddress Far = new([10, 231, 0, 2]);
    private readonly string _space = $"thaw-bench-{Environment.ProcessId}";
    private readonly string _near = $"tb{Environment.ProcessId % 100000}a";
    private readonly string _far = $"tb{Environment.ProcessId % 100000}b";

    public ShapedOrigin(Lab lab, string root, string path)
    {
        Command("ip", "netns", "add", _space);
        Command("ip", "link", "add", _near, "type", "veth", "peer", "name", _far, "netns", _space);
        Command("ip", "address", "add", $"{Near}/30", "dev", _near);
        Command("ip", "link", "set", _near, "up");
        Inside("ip", "address", "add", $"{Far}/30", "dev", _far);
        Inside("ip", "link", "set", _far, "up");
        Inside("ip", "link", "set", "lo", "up");
        Server = lab.StartNginx(
            "direct from the origin", "nginx-static.conf", path, Far, ["ip", "netns", "exec", _space],
            [("ROOT", root)]);
    }

    /// <summary>The origin, to be read directly.</summary>
    public ServerProcess Server { get; }

    /// <summary>Caps what the origin sends, headers of all layers included.</summary>
    public void Shape(long bytesPerSecond) => Inside(
        "tc", "qdisc", "add", "dev", _far, "root", "tbf", "rate", $"{bytesPerSecond * 8}bit", "burst", "512kb",
        "latency", "50ms");

    public void Dispose()
    {
        Server.Dispose();
        Command("ip", "netns", "delete", _space);
    }

    private void Inside(params string[] command) => Command("ip", ["netns", "exec", _space, .. command]);

    private static void Command(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed; it needs root.");
    }
}
