using System.Net;
using System.Net.Sockets;

namespace Thaw.Testing;

/// <summary>Ports of 127.0.0.1 that nobody listens on now.</summary>
public static class FreePorts
{
    /// <summary>
    /// Takes distinct ports. They are free when this returns; whoever binds one later may still lose a race, which
    /// shows as a refusal to start.
    /// </summary>
    public static int[] Take(int count)
    {
        var listeners = new List<TcpListener>();
        try
        {
            for (var taken = 0; taken < count; taken++)
            {
                var listener = new TcpListener(IPAddress.Loopback, 0);
                listeners.Add(listener);
                listener.Start();
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners)
                listener.Dispose();
        }
    }
}
