using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Thaw.Endpoints.Transport;

/// <summary>The C library calls that .NET has no face for (Linux, x64 and arm64 alike).</summary>
internal static unsafe partial class Native
{
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;
    private const short PollOut = 4;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr as glibc and musl have it on 64-bit systems.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>Bytes that the socket took without waiting, or -1: it took none.</summary>
    public static long SendNow(SafeSocketHandle socket, IoVector* vectors, int count)
    {
        var message = new MessageHeader { Vectors = vectors, VectorCount = (nuint)count };
        try
        {
            return SendMessage(socket, &message, DoNotWait | NoSignal);
        }
        catch (ObjectDisposedException)
        {
            return -1; // the connection was aborted
        }
    }

    /// <summary>
    /// Waits on this thread until the socket takes bytes again; false when the time is over or the client is gone.
    /// </summary>
    public static bool WaitWritable(SafeSocketHandle socket, int milliseconds)
    {
        var held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            var entry = new PollEntry { Descriptor = (int)socket.DangerousGetHandle(), Events = PollOut };
            return milliseconds > 0 && Poll(&entry, 1, milliseconds) > 0 && entry.Returned == PollOut;
        }
        catch (ObjectDisposedException)
        {
            return false; // the connection was aborted
        }
        finally
        {
            if (held)
                socket.DangerousRelease();
        }
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    private static partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);
}
