namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>What the transfer sets on its sockets beside TCP_NODELAY.</summary>
/// <param name="Congestion">TCP_CONGESTION, such as <c>cubic</c>; null: the machine's default.</param>
/// <param name="ReceiveBufferBytes">SO_RCVBUF, which ends the kernel's own tuning; 0: leave that to the kernel.</param>
public sealed record SocketOptions(string? Congestion = null, int ReceiveBufferBytes = 0);
