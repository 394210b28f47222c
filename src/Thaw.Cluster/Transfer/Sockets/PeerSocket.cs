using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Thaw.Core.Cluster;

namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>
/// One TCP connection between nodes: blocking on the side that asks, non-blocking on the side that answers. All bytes
/// pass <see cref="Receive"/>, <see cref="Send"/> and <see cref="SendFile"/>, the three that a TLS layer would replace.
/// Counts of bytes, or one of the negative values below.
/// </summary>
internal sealed unsafe class PeerSocket(SocketHandle handle) : IDisposable
{
    /// <summary>Nothing now: it would block, or the time-out passed.</summary>
    public const int Later = -1;

    /// <summary>The connection is over.</summary>
    public const int Gone = -2;

    private int _shut;

    public SocketHandle Handle { get; } = handle;

    /// <summary>Connects a blocking socket whose receives look up after a time.</summary>
    /// <exception cref="IOException">Not reachable.</exception>
    public static PeerSocket Connect(NodeAddress address, TimeSpan limit, TimeSpan tick, SocketOptions options)
    {
        var endpoint = Resolve(address);
        var name = endpoint.Serialize();
        var socket = new PeerSocket(Native.Socket((int)name.Family == (int)AddressFamily.InterNetworkV6 ? 10 : 2,
            Native.StreamBlocking, 0));
        try
        {
            if (socket.Handle.IsInvalid)
                throw Native.Error("socket");
            socket.SetTime(Native.SendTimeout, limit);
            socket.SetTime(Native.ReceiveTimeout, tick);
            socket.Apply(options);
            fixed (byte* bytes = name.Buffer.Span)
                if (Native.Connect(socket.Handle, bytes, name.Size) != 0)
                    throw Native.Error($"connect to {address}");
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A non-blocking listener.</summary>
    /// <exception cref="IOException">The address cannot be taken.</exception>
    public static (PeerSocket Socket, NodeAddress Bound) Listen(NodeAddress address)
    {
        var name = Resolve(address).Serialize();
        var socket = new PeerSocket(Native.Socket((int)name.Family == (int)AddressFamily.InterNetworkV6 ? 10 : 2,
            Native.StreamNonBlocking, 0));
        try
        {
            if (socket.Handle.IsInvalid)
                throw Native.Error("socket");
            socket.Set(Native.LevelSocket, Native.ReuseAddress, 1);
            fixed (byte* bytes = name.Buffer.Span)
                if (Native.Bind(socket.Handle, bytes, name.Size) != 0 || Native.Listen(socket.Handle, 512) != 0)
                    throw Native.Error($"listen on {address}");
            return (socket, address with { Port = socket.Port(name) });
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The next connection of a listener, non-blocking; null when there is none now.</summary>
    public PeerSocket? Accept(SocketOptions options)
    {
        var handle = Native.Accept(Handle, null, null, Native.StreamNonBlocking & ~1);
        if (handle.IsInvalid)
        {
            handle.Dispose();
            return null;
        }

        var socket = new PeerSocket(handle);
        socket.Apply(options);
        return socket;
    }

    /// <summary>Bytes received: all, or fewer if the time-out or an interruption came first.</summary>
    public int Receive(Span<byte> destination, bool waitAll)
    {
        while (true)
        {
            nint received;
            fixed (byte* start = destination)
                received = Native.Receive(
                    Handle, start, (nuint)destination.Length, waitAll ? Native.WaitAll : Native.DoNotWait);
            if (received > 0)
                return (int)received;
            if (received == 0)
                return Gone;
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Native.Interrupted)
                return errno == Native.WouldBlock ? Later : Gone;
        }
    }

    /// <summary>Bytes that were taken at once.</summary>
    public int Send(ReadOnlySpan<byte> bytes, bool isMoreComing)
    {
        while (true)
        {
            nint sent;
            fixed (byte* start = bytes)
                sent = Native.Send(
                    Handle, start, (nuint)bytes.Length,
                    Native.DoNotWait | Native.NoSignal | (isMoreComing ? Native.More : 0));
            if (sent >= 0)
                return (int)sent;
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Native.Interrupted)
                return errno == Native.WouldBlock ? Later : Gone;
        }
    }

    /// <summary>Bytes of a file that were taken at once; 0: the file ends here. On a non-blocking socket.</summary>
    public int SendFile(SafeFileHandle file, long offset, int bytes)
    {
        while (true)
        {
            var at = offset;
            var sent = Native.SendFile(Handle, file, &at, (nuint)bytes);
            if (sent >= 0)
                return (int)sent;
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Native.Interrupted)
                return errno == Native.WouldBlock ? Later : Gone;
        }
    }

    /// <summary>Waits until something can be sent or the connection is over; false when the time is.</summary>
    public bool WaitToSend(TimeSpan limit)
    {
        var added = false;
        try
        {
            Handle.DangerousAddRef(ref added);
            var entry = new Native.PollEntry
            {
                Descriptor = (int)Handle.DangerousGetHandle(),
                Events = Native.PollOut,
            };
            return Native.Poll(&entry, 1, (int)limit.TotalMilliseconds) > 0;
        }
        finally
        {
            if (added)
                Handle.DangerousRelease();
        }
    }

    /// <summary>Ends the connection for both sides; calls that wait return. Any thread, any number of times.</summary>
    public void Shut()
    {
        if (Interlocked.Exchange(ref _shut, 1) != 0)
            return;
        try
        {
            Native.Shutdown(Handle, 2);
        }
        catch (ObjectDisposedException)
        {
            // Its owner was faster.
        }
    }

    public void Dispose()
    {
        Shut();
        Handle.Dispose();
    }

    private static IPEndPoint Resolve(NodeAddress address)
    {
        try
        {
            return new IPEndPoint(
                IPAddress.TryParse(address.Host, out var parsed) ? parsed : Dns.GetHostAddresses(address.Host)[0],
                address.Port);
        }
        catch (SocketException error)
        {
            throw new IOException($"{address.Host}: {error.Message}", error);
        }
    }

    private void Apply(SocketOptions options)
    {
        Set(Native.LevelTcp, Native.NoDelay, 1);
        if (options.ReceiveBufferBytes > 0)
            Set(Native.LevelSocket, Native.ReceiveBuffer, options.ReceiveBufferBytes);
        if (options.Congestion is not { } congestion)
            return;
        var name = Encoding.ASCII.GetBytes(congestion);
        fixed (byte* bytes = name)
            if (Native.SetOption(Handle, Native.LevelTcp, Native.Congestion, bytes, name.Length) != 0)
                throw Native.Error($"TCP_CONGESTION {congestion}");
    }

    private void Set(int level, int option, int value)
    {
        if (Native.SetOption(Handle, level, option, &value, sizeof(int)) != 0)
            throw Native.Error($"socket option {option}");
    }

    private void SetTime(int option, TimeSpan time)
    {
        var value = new Native.Time
        {
            Seconds = (long)time.TotalSeconds,
            Microseconds = time.Microseconds + time.Milliseconds * 1000L,
        };
        if (Native.SetOption(Handle, Native.LevelSocket, option, &value, sizeof(Native.Time)) != 0)
            throw Native.Error($"socket option {option}");
    }

    private int Port(SocketAddress like)
    {
        var length = like.Size;
        fixed (byte* bytes = like.Buffer.Span)
            if (Native.GetSocketName(Handle, bytes, &length) != 0)
                throw Native.Error("getsockname");
        // sockaddr_in and sockaddr_in6 have the port at the same place, in network order.
        return like.Buffer.Span[2] << 8 | like.Buffer.Span[3];
    }
}
