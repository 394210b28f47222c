using Thaw.Cluster.Transfer.Sockets;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// Something to send on a connection: messages that are composed already, or the blocks of a chunk, frame by frame.
/// <para>It has one owner at a time: the task that opens or follows its supply, its connection's queue, or the thread
/// that sends it. Only the owner ends it.</para>
/// </summary>
internal abstract class Reply(uint request, int priority)
{
    private int _isCancelled;

    /// <summary>The request it answers, 0: none.</summary>
    public uint Request { get; } = request;

    /// <summary>Place in the queues; 0: messages, before all blocks.</summary>
    public int Priority { get; } = priority;

    /// <summary>Nobody wants it any more; its owner ends it.</summary>
    public bool IsCancelled => Volatile.Read(ref _isCancelled) != 0;

    /// <summary>Bytes that are ready to be sent.</summary>
    public virtual int ReadyBytes => 0;

    /// <summary>Of those, what the server's account of queued bytes has.</summary>
    public int AccountedBytes { get; set; }

    /// <summary>What it waits for while it is not ready.</summary>
    public virtual PeerWait Reason => PeerWait.Queue;

    /// <summary>Prepares the next frame: header and head in the buffer; returns their length.</summary>
    public abstract int Prepare(Span<byte> buffer);

    /// <summary>Sends of the payload what the socket takes now: a count of bytes or a socket's answer.</summary>
    public virtual int SendPayload(PeerSocket socket) => PeerSocket.Gone;

    /// <summary>Payload bytes of the prepared frame that are not sent yet.</summary>
    public virtual int PayloadLeft => 0;

    /// <summary>The prepared frame is sent; returns what follows.</summary>
    public virtual Follow Sent() => Follow.End;

    public virtual void Cancel() => Volatile.Write(ref _isCancelled, 1);

    /// <summary>By the owner, once.</summary>
    public virtual void End()
    {
    }
}

/// <summary>What follows a frame.</summary>
internal enum Follow
{
    /// <summary>Nothing: the reply is at its end.</summary>
    End,

    /// <summary>The next frame is ready.</summary>
    Ready,

    /// <summary>The next block is awaited.</summary>
    Await,
}

/// <summary>A question that is being answered; its answer is a message of its own.</summary>
internal sealed class QuestionReply(uint request, CancellationToken token) : Reply(request, 0)
{
    /// <summary>Ends the answering.</summary>
    public CancellationToken Token { get; } = token;

    public override int Prepare(Span<byte> buffer) => throw new InvalidOperationException("A question is not sent.");
}

/// <summary>A composed message.</summary>
internal sealed class MessageReply(byte[] message) : Reply(0, 0)
{
    private int _sent;

    public override int PayloadLeft => message.Length - _sent;

    public override int Prepare(Span<byte> buffer)
    {
        var first = Math.Min(message.Length, buffer.Length);
        message.AsSpan(0, first).CopyTo(buffer);
        _sent = first;
        return first;
    }

    public override int SendPayload(PeerSocket socket)
    {
        var sent = socket.Send(message.AsSpan(_sent), isMoreComing: false);
        _sent += Math.Max(0, sent);
        return sent;
    }
}
