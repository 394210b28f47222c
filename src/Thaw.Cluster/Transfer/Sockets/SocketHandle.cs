using Microsoft.Win32.SafeHandles;

namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>A socket's descriptor; it stays open while a call uses it.</summary>
internal sealed class SocketHandle() : SafeHandleMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle() => Native.Close(handle) == 0;
}
