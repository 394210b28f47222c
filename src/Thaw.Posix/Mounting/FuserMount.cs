using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Mounting;

/// <summary>
/// Mounting without rights of one's own: the set-uid program fusermount3 mounts and passes the descriptor back over a
/// socket whose number it finds in its environment (libfuse, util/fusermount.c).
/// </summary>
internal static unsafe partial class FuserMount
{
    private const string Program = "fusermount3";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Mounts; the connection's descriptor, or why not.</summary>
    public static (SafeFileHandle? Handle, string Problem) Mount(string path)
    {
        const int unix = 1, stream = 1;
        var pair = stackalloc int[2];
        if (SocketPair(unix, stream, 0, pair) != 0)
            return (null, Native.Explain(Native.LastError));
        using var theirs = new SafeFileHandle(pair[0], ownsHandle: true);
        using var ours = new SafeFileHandle(pair[1], ownsHandle: true);
        var (done, problem) = Run(
            ["-o", $"ro,nosuid,nodev,default_permissions,fsname=thaw,subtype=thaw,max_read={Core.Limits.PosixReadBytes}",
                "--", path],
            ("_FUSE_COMMFD", pair[0].ToString(CultureInfo.InvariantCulture)));
        if (!done)
            return (null, problem);
        return Receive(ours) is { } handle ? (handle, "") : (null, "it passed no descriptor");
    }

    /// <summary>Unmounts, or detaches what is in use.</summary>
    public static bool Unmount(string path, bool detach) =>
        Run(detach ? ["-u", "-q", "-z", "--", path] : ["-u", "-q", "--", path], null).Done;

    private static (bool Done, string Problem) Run(string[] arguments, (string Name, string Value)? variable)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardError = true };
        if (variable is { } set)
            start.Environment[set.Name] = set.Value;
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                return (false, $"it has not ended within {Patience.TotalSeconds:0} s");
            }

            return process.ExitCode == 0
                ? (true, "")
                : (false, error.IsCompletedSuccessfully ? error.GetAwaiter().GetResult().Trim() : "it failed");
        }
        catch (Win32Exception exception)
        {
            return (false, exception.Message);
        }
    }

    /// <summary>Takes the descriptor out of a message's control part (cmsg(3): 16 bytes of header, then the number).</summary>
    private static SafeFileHandle? Receive(SafeFileHandle socket)
    {
        const int rights = 1, socketLevel = 1, headerBytes = 16;
        byte one = 0;
        var control = stackalloc byte[32];
        var vector = new Native.IoVector { Base = &one, Length = 1 };
        var message = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = 32 };
        if (ReceiveMessage(socket, &message, 0) < 0 || message.ControlLength < headerBytes + sizeof(int)
            || *(int*)(control + 8) != socketLevel || *(int*)(control + 12) != rights)
            return null;
        return new SafeFileHandle(*(int*)(control + headerBytes), ownsHandle: true);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Native.IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(SafeFileHandle socket, MessageHeader* message, int flags);
}
