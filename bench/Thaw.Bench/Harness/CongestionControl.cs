namespace Thaw.Bench.Harness;

/// <summary>The machine's congestion control for new sockets, put back at the end.</summary>
internal sealed class CongestionControl : IDisposable
{
    private const string Setting = "/proc/sys/net/ipv4/tcp_congestion_control";
    private readonly string _before = File.ReadAllText(Setting);

    /// <summary>What new sockets use.</summary>
    public static string Present => File.ReadAllText(Setting).Trim();

    /// <summary>Sets it; false where that is not allowed or not available.</summary>
    public static bool TrySet(string name)
    {
        try
        {
            File.WriteAllText(Setting, name);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (File.ReadAllText(Setting) != _before)
            File.WriteAllText(Setting, _before);
    }
}
