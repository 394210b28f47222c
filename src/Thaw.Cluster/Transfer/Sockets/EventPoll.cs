using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Thaw.Cluster.Transfer.Sockets;

/// <summary>
/// epoll: which of many sockets can be read or written. One thread waits; any thread adds and changes. A socket that is
/// closed leaves by itself.
/// </summary>
internal sealed unsafe class EventPoll : IDisposable
{
    private const int Most = 256;

    // struct epoll_event is packed on x64 and on no other architecture (uapi/linux/eventpoll.h).
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EntryBytes = KeyOffset + sizeof(long);

    private readonly SocketHandle _events = Native.EventsCreate(Native.CloseOnExec);
    private readonly byte[] _entries = GC.AllocateArray<byte>(Most * EntryBytes, pinned: true);

    /// <summary>Watches a socket for bytes to read; events carry the key.</summary>
    public void Add(PeerSocket socket, long key) => Control(Native.Add, socket, key, Native.EventIn);

    /// <summary>Watches for bytes to read, and for room to write or not.</summary>
    public void Change(PeerSocket socket, long key, bool wantsToWrite) =>
        Control(Native.Modify, socket, key, Native.EventIn | (wantsToWrite ? Native.EventOut : 0));

    /// <summary>Waits for events, at most so long; returns how many there are.</summary>
    public int Look(TimeSpan limit)
    {
        fixed (byte* entries = _entries)
            return Math.Max(0, Native.EventsWait(_events, entries, Most, (int)limit.TotalMilliseconds));
    }

    /// <summary>One of the events of the last wait: its key, and whether only writing became possible.</summary>
    public (long Key, bool CanRead, bool CanWrite) this[int index]
    {
        get
        {
            var entry = _entries.AsSpan(index * EntryBytes, EntryBytes);
            var events = BinaryPrimitives.ReadUInt32LittleEndian(entry);
            return (BinaryPrimitives.ReadInt64LittleEndian(entry[KeyOffset..]),
                (events & ~Native.EventOut) != 0, (events & Native.EventOut) != 0);
        }
    }

    public void Dispose() => _events.Dispose();

    private void Control(int operation, PeerSocket socket, long key, uint events)
    {
        var entry = stackalloc byte[EntryBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(entry, sizeof(uint)), events);
        BinaryPrimitives.WriteInt64LittleEndian(new Span<byte>(entry + KeyOffset, sizeof(long)), key);
        if (Native.EventsControl(_events, operation, socket.Handle, entry) != 0)
            throw Native.Error("epoll_ctl");
    }
}
