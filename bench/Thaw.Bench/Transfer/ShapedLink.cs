using System.Diagnostics;

namespace Thaw.Bench.Transfer;

/// <summary>
/// Two network namespaces joined by a veth pair, each end shaped with tbf; removed when disposed. Needs root.
/// </summary>
internal sealed class ShapedLink : IDisposable
{
    public const string LeftAddress = "10.231.7.1";
    public const string RightAddress = "10.231.7.2";

    public ShapedLink(int megabytesPerSecond)
    {
        var tag = Environment.ProcessId % 100_000;
        (Left, Right) = ($"thaw-l{tag}", $"thaw-r{tag}");
        Ip($"netns add {Left}");
        Ip($"netns add {Right}");
        Ip($"link add vl{tag} netns {Left} type veth peer name vr{tag} netns {Right}");
        foreach (var (space, link, address) in ((string, string, string)[])
            [(Left, $"vl{tag}", LeftAddress), (Right, $"vr{tag}", RightAddress)])
        {
            Ip($"-n {space} address add {address}/24 dev {link}");
            Ip($"-n {space} link set {link} up");
            Ip($"-n {space} link set lo up");
            // A burst of 4 ms of the rate, a queue of 20 ms.
            Run("tc", $"-n {space} qdisc add dev {link} root tbf rate {megabytesPerSecond * 8}mbit "
                + $"burst {megabytesPerSecond * 4}k latency 20ms");
        }
    }

    public string Left { get; }

    public string Right { get; }

    public void Dispose()
    {
        Ip($"netns delete {Left}");
        Ip($"netns delete {Right}");
    }

    private static void Ip(string arguments) => Run("ip", arguments);

    private static void Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new IOException($"{program} {arguments}: {error.Trim()}");
    }
}
