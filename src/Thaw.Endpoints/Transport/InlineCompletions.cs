using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Thaw.Core;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// Lets a socket's receive go on on the thread that polls it, instead of waking another one: half of what a short range
/// costs is that. Only for sockets whose requests never block and hand long bodies to the pool. The runtime has the
/// switch for each socket, but public only for the whole process, where other rooms' sockets would be meant too.
/// </summary>
internal static class InlineCompletions
{
    private const string ThreadCount = "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT";

    /// <summary>
    /// More polling threads than the runtime's one for thirty processors, since they also serve. Before the process's
    /// first socket; a number that is set already stays.
    /// </summary>
    public static void PrepareProcess()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(ThreadCount)))
            Environment.SetEnvironmentVariable(
                ThreadCount, $"{Math.Min(Environment.ProcessorCount, Limits.SocketThreads)}");
    }

    /// <summary>Switches it on; false on a runtime without the switch, where another thread is woken as ever.</summary>
    public static bool TryEnable(Socket socket)
    {
        try
        {
            SetPreferInlineCompletions(socket.SafeHandle, true);
            return true;
        }
        catch (MissingMethodException)
        {
            return false;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_PreferInlineCompletions")]
    private static extern void SetPreferInlineCompletions(SafeSocketHandle handle, bool value);
}
