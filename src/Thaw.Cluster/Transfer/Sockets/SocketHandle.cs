using Microsoft.Win32.SafeHandles;

namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>A socket's descriptor; it stays open while a call uses it.</summary>
internal sealed class SocketHandle : SafeHandleMinusOneIsInvalid
{
    public SocketHandle(int descriptor) : base(ownsHandle: true) => SetHandle(descriptor);

    protected override bool ReleaseHandle() => Native.Close((int)handle) == 0;
}
