using System.Globalization;

namespace Thaw.Core.Cluster;

/// <summary>Where a node's peer port can be reached: a host name or IP address, and a port.</summary>
/// <param name="Host">Host name or IP address; IPv6 without brackets.</param>
/// <param name="Port">1-65535.</param>
public readonly record struct NodeAddress(string Host, int Port)
{
    /// <summary>Reads <c>host:port</c> or <c>[ipv6]:port</c>.</summary>
    public static bool TryParse(string? text, out NodeAddress address)
    {
        address = default;
        var colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0
            || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > ushort.MaxValue)
            return false;
        var host = text![..colon];
        var isBracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (isBracketed)
            host = host[1..^1];
        var kind = Uri.CheckHostName(host);
        if (kind == UriHostNameType.Unknown || kind == UriHostNameType.IPv6 != isBracketed)
            return false;
        address = new NodeAddress(host, port);
        return true;
    }

    /// <inheritdoc />
    public override string ToString() =>
        Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
