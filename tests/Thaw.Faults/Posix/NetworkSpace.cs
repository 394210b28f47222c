using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Thaw.Testing;

namespace Thaw.Faults.Posix;

/// <summary>
/// Another host of a network, as a network namespace behind a veth pair. Cut off, it answers nothing: packets to it
/// vanish, and nobody is told. Removed when disposed. Needs root.
/// </summary>
internal sealed partial class NetworkSpace : IAsyncDisposable
{
    private const int NewNet = 0x40000000; // CLONE_NEWNET

    private static readonly string Near = AddressOf(1);
    private static readonly string Far = AddressOf(2);

    private readonly string _name = $"thaw-test-{Environment.ProcessId}";
    private readonly string _near = $"tn{Environment.ProcessId}";
    private readonly string _far = $"tf{Environment.ProcessId}";

    private NetworkSpace()
    {
    }

    public static async Task<NetworkSpace> MakeAsync(CancellationToken cancellationToken)
    {
        var space = new NetworkSpace();
        try
        {
            await Ip(cancellationToken, "netns", "add", space._name);
            await Ip(cancellationToken,
                "link", "add", space._near, "type", "veth", "peer", "name", space._far, "netns", space._name);
            await Ip(cancellationToken, "address", "add", $"{Near}/30", "dev", space._near);
            await Ip(cancellationToken, "link", "set", space._near, "up");
            await Ip(cancellationToken, "-n", space._name, "address", "add", $"{Far}/30", "dev", space._far);
            await Ip(cancellationToken, "-n", space._name, "link", "set", space._far, "up");
            return space;
        }
        catch
        {
            await space.DisposeAsync();
            throw;
        }
    }

    /// <summary>A socket that listens there: a socket belongs to the space of the thread that makes it.</summary>
    public async Task<Socket> ListenAsync()
    {
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                using var space = File.OpenHandle($"/run/netns/{_name}");
                if (SetNamespace(space, NewNet) != 0)
                    throw new InvalidOperationException($"setns failed with {Marshal.GetLastPInvokeError()}.");
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse(Far), 0));
                socket.Listen(512);
                made.SetResult(socket);
            }
            catch (Exception error)
            {
                made.SetException(error);
            }
        })
        {
            // It ends here and never serves another task: it stays in that space.
            IsBackground = true,
        }.Start();
        return await made.Task;
    }

    public Task CutAsync(CancellationToken cancellationToken) =>
        Ip(cancellationToken, "-n", _name, "address", "delete", $"{Far}/30", "dev", _far);

    public Task MendAsync(CancellationToken cancellationToken) =>
        Ip(cancellationToken, "-n", _name, "address", "add", $"{Far}/30", "dev", _far);

    public async ValueTask DisposeAsync()
    {
        await new Command("ip", "link", "delete", _near).TryRunAsync(CancellationToken.None);
        await new Command("ip", "netns", "delete", _name).TryRunAsync(CancellationToken.None);
    }

    /// <summary>Of four addresses for each process: two runs on one machine do not meet.</summary>
    private static string AddressOf(int number) =>
        $"10.232.{(Environment.ProcessId >> 6) & 255}.{((Environment.ProcessId & 63) << 2) + number}";

    private static Task Ip(CancellationToken cancellationToken, params string[] arguments) =>
        new Command("ip", arguments).RunAsync(cancellationToken);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(SafeFileHandle space, int kind);
}
