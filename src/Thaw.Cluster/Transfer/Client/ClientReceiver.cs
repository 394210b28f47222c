using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>
/// Reads messages from a blocking socket and keeps the time of silence. Silence is counted in empty looks, not by a
/// clock: a process that was stopped itself finds the bytes that came meanwhile, and suspects nobody. One thread.
/// </summary>
internal sealed class ClientReceiver(PeerSocket socket, Func<bool> isAwaited, Action heard)
{
    private static readonly int SilentLooks = (int)(Limits.PeerSilence / Limits.PeerTick);
    private static readonly int IdleLooks = (int)(Limits.PeerIdle / Limits.PeerTick);

    private readonly byte[] _message = new byte[MessageHeader.Bytes + Limits.PeerHeadBytes];
    private readonly byte[] _dropped = new byte[64 << 10];
    private int _looks;

    /// <summary>Head of the present message.</summary>
    public ReadOnlySpan<byte> Head => _message.AsSpan(MessageHeader.Bytes, Header.HeadBytes);

    public MessageHeader Header { get; private set; }

    /// <summary>Something is awaited from now on: silence counts from here.</summary>
    public void Restart() => Volatile.Write(ref _looks, -1);

    /// <summary>Reads the next header and head; null when there is one.</summary>
    public ConnectionEnd? ReadMessage()
    {
        if (Fill(_message.AsSpan(0, MessageHeader.Bytes), isBetween: true) is { } end)
            return end;
        if (!MessageHeader.TryRead(_message, out var header))
            return ConnectionEnd.Broken;
        Header = header;
        if (Fill(_message.AsSpan(MessageHeader.Bytes, header.HeadBytes), isBetween: false) is { } early)
            return early;
        return MessageHeader.Check(_message.AsSpan(0, MessageHeader.Bytes + header.HeadBytes))
            ? null
            : ConnectionEnd.Broken;
    }

    /// <summary>Reads bytes of a payload; null when they are there.</summary>
    public ConnectionEnd? Fill(Span<byte> destination) => Fill(destination, isBetween: false);

    /// <summary>Reads as many bytes of a payload as come without a pause, at least one; null when it did.</summary>
    public ConnectionEnd? Some(Span<byte> destination, out int received) => Some(destination, false, out received);

    /// <summary>Reads bytes that nobody wants.</summary>
    public ConnectionEnd? Drop(int bytes)
    {
        for (; bytes > 0; bytes -= Math.Min(bytes, _dropped.Length))
            if (Fill(_dropped.AsSpan(0, Math.Min(bytes, _dropped.Length)), isBetween: false) is { } end)
                return end;
        return null;
    }

    private ConnectionEnd? Fill(Span<byte> destination, bool isBetween)
    {
        while (!destination.IsEmpty)
        {
            if (Some(destination, isBetween, out var received) is { } end)
                return end;
            destination = destination[received..];
            isBetween = false;
        }

        return null;
    }

    private ConnectionEnd? Some(Span<byte> destination, bool isBetween, out int received)
    {
        while (true)
        {
            received = socket.Receive(destination, waitAll: true);
            if (received == PeerSocket.Gone)
                return ConnectionEnd.Broken;
            if (received > 0)
            {
                Volatile.Write(ref _looks, 0);
                heard();
                return null;
            }

            var most = isBetween && !isAwaited() ? IdleLooks : SilentLooks;
            var looks = Volatile.Read(ref _looks) + 1;
            Volatile.Write(ref _looks, looks);
            if (looks >= most)
                return most == IdleLooks ? ConnectionEnd.Idle : ConnectionEnd.Silent;
        }
    }
}
