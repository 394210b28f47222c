using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Thaw.Endpoints.Transport;

/// <summary>The C library calls that .NET has no face for (Linux, x64 and arm64 alike).</summary>
internal static unsafe partial class Native
{
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;

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

    [LibraryImport("libc", EntryPoint = "sendmsg")]
    private static partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);
}
