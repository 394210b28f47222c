using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thaw.Core;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Mounting;

/// <summary>
/// Mounting without rights of one's own: the set-uid program fusermount3 mounts and passes the descriptor back over a
/// socket whose number it finds in its environment (libfuse, util/fusermount.c).
/// </summary>
internal static partial class FuserMount
{
    private const string Program = "fusermount3";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Mounts; the connection's descriptor, or why not.</summary>
    public static async Task<(SafeFileHandle? Handle, string Problem)> MountAsync(string path)
    {
        if (!TryPair(out var theirs, out var ours))
            return (null, Native.Explain(Native.LastError));
        using (theirs)
        using (ours)
        {
            string[] arguments =
            [
                "-o", $"ro,nosuid,nodev,default_permissions,fsname=thaw,subtype=thaw,max_read={Limits.PosixReadBytes}",
                "--", path,
            ];
            var socket = theirs.DangerousGetHandle().ToString(CultureInfo.InvariantCulture);
            var (done, problem) = await RunAsync(arguments, ("_FUSE_COMMFD", socket)).ConfigureAwait(false);
            if (!done)
                return (null, problem);
            return Receive(ours) is { } handle ? (handle, "") : (null, "it passed no descriptor");
        }
    }

    /// <summary>Unmounts, or detaches what is in use.</summary>
    public static async Task<bool> UnmountAsync(string path, bool detach) =>
        (await RunAsync(detach ? ["-u", "-q", "-z", "--", path] : ["-u", "-q", "--", path], null)
            .ConfigureAwait(false)).Done;

    private static unsafe bool TryPair(out SafeFileHandle theirs, out SafeFileHandle ours)
    {
        const int unix = 1, stream = 1;
        var pair = stackalloc int[2];
        var made = SocketPair(unix, stream, 0, pair) == 0;
        theirs = new SafeFileHandle(made ? pair[0] : -1, ownsHandle: true);
        ours = new SafeFileHandle(made ? pair[1] : -1, ownsHandle: true);
        return made;
    }

    private static async Task<(bool Done, string Problem)> RunAsync(
        string[] arguments, (string Name, string Value)? variable)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardError = true };
        if (variable is { } set)
            start.Environment[set.Name] = set.Value;
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            using var process = Process.Start(start)!;
            try
            {
                var error = await process.StandardError.ReadToEndAsync(limit.Token).ConfigureAwait(false);
                await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
                return (process.ExitCode == 0, error.Trim());
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                return (false, $"it has not ended within {Patience.TotalSeconds:0} s");
            }
        }
        catch (Win32Exception exception)
        {
            return (false, exception.Message);
        }
    }

    /// <summary>
    /// Takes the descriptor out of a message's control part (cmsg(3): 16 bytes of header, then the number).
    /// </summary>
    private static unsafe SafeFileHandle? Receive(SafeFileHandle socket)
    {
        const int rights = 1, socketLevel = 1, headerBytes = 16;
        byte one = 0;
        var control = stackalloc byte[32];
        var vector = new Native.IoVector { Base = &one, Length = 1 };
        var message = new MessageHeader
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = control,
            ControlLength = 32,
        };
        if (ReceiveMessage(socket, &message, 0) < 0 || message.ControlLength < headerBytes + sizeof(int)
            || *(int*)(control + 8) != socketLevel || *(int*)(control + 12) != rights)
            return null;
        return new SafeFileHandle(*(int*)(control + headerBytes), ownsHandle: true);
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct MessageHeader
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
    private static unsafe partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static unsafe partial nint ReceiveMessage(SafeFileHandle socket, MessageHeader* message, int flags);
}
