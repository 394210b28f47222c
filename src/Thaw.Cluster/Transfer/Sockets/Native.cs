using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>
/// The C library's socket calls (Linux, x64 and arm64 alike). The sockets of the transfer are used through these alone:
/// .NET's own sockets turn non-blocking with their first asynchronous call, and have no MSG_WAITALL and no sendfile
/// that goes on where it stopped.
/// </summary>
internal static unsafe partial class Native
{
    public const int Interrupted = 4;
    public const int WouldBlock = 11;
    public const int InProgress = 115;
    public const int StreamNonBlocking = 1 | 0x800 | 0x80000; // SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC
    public const int StreamBlocking = 1 | 0x80000;
    public const int DoNotWait = 0x40;
    public const int WaitAll = 0x100;
    public const int NoSignal = 0x4000;
    public const int More = 0x8000;
    public const int LevelSocket = 1;
    public const int LevelTcp = 6;
    public const int ReuseAddress = 2;
    public const int ReceiveBuffer = 8;
    public const int ReceiveTimeout = 20;
    public const int SendTimeout = 21;
    public const int NoDelay = 1;
    public const int Congestion = 13;
    public const short PollOut = 4;

    public const uint EventIn = 1;
    public const uint EventOut = 4;
    public const uint EventReadHangUp = 0x2000;
    public const int Add = 1;
    public const int Modify = 3;
    public const int CloseOnExec = 0x80000;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Time
    {
        public long Seconds;
        public long Microseconds;
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial SocketHandle Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(SocketHandle socket, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SocketHandle socket, byte* address, int length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(SocketHandle socket, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    public static partial SocketHandle Accept(SocketHandle socket, byte* address, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSocketName(SocketHandle socket, byte* address, int* length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(SocketHandle socket, int level, int option, void* value, int length);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SocketHandle socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SocketHandle socket, byte* bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    public static partial nint SendFile(SocketHandle socket, SafeFileHandle file, long* offset, nuint length);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    public static partial int Shutdown(SocketHandle socket, int how);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(nint descriptor);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial SocketHandle EventsCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EventsControl(SocketHandle events, int operation, SocketHandle socket, byte* entry);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EventsWait(SocketHandle events, byte* entries, int most, int milliseconds);

    /// <summary>The last error as an exception that says which call failed.</summary>
    public static IOException Error(string call)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }
}
