using Thaw.Cluster.Transfer.Wire;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Cluster.Transfer.Client;

/// <summary>
/// Something that was asked and is not answered. It belongs to one connection, which ends it exactly once, or to the
/// link while it goes from a broken connection to another.
/// </summary>
internal abstract class Pending
{
    private int _isCancelRequested;
    private ClientConnection? _connection;

    /// <summary>Its number on its present connection.</summary>
    public uint Number { get; set; }

    /// <summary>How often a connection broke under it.</summary>
    public int Breaks { get; set; }

    public bool IsCancelRequested => Volatile.Read(ref _isCancelRequested) != 0;

    /// <summary>Where it is asked just now; cancelling goes there.</summary>
    public ClientConnection? Connection
    {
        get => Volatile.Read(ref _connection);
        set => Volatile.Write(ref _connection, value);
    }

    /// <summary>The message, under its number; null when it is too large.</summary>
    public abstract byte[]? ToMessage();

    /// <summary>It will not be answered.</summary>
    public abstract void Fail(PeerEnd end, Failure failure);

    /// <summary>Nobody wants it any more.</summary>
    public abstract void Cancelled();

    public void RequestCancel()
    {
        Volatile.Write(ref _isCancelRequested, 1);
        Connection?.Cancel(this);
    }
}

/// <summary>Blocks of a chunk that are awaited.</summary>
internal sealed class PendingFetch(PeerFetch fetch) : Pending
{
    private readonly TaskCompletionSource<PeerFetchEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PeerFetch Fetch => fetch;

    public PeerRequest Request => fetch.Request;

    /// <summary>The next block; those before are there. By the receiving thread.</summary>
    public int NextBlock { get; set; } = fetch.Request.FirstBlock;

    public Task<PeerFetchEnd> End => _end.Task;

    public override byte[] ToMessage()
    {
        // After a broken connection only what is missing is asked for.
        var wanted = NextBlock == Request.FirstBlock
            ? Request
            : Request with { FirstBlock = NextBlock, BlockCount = Request.EndBlock - NextBlock };
        return MessageHeader.Compose(MessageType.Request, Number, RequestCodec.Write(wanted));
    }

    public void Complete(PeerEnd end, Failure? failure = null, string? node = null) =>
        _end.TrySetResult(new PeerFetchEnd(end, NextBlock, failure, node));

    public override void Fail(PeerEnd end, Failure failure) => Complete(end, failure);

    public override void Cancelled() => _end.TrySetCanceled();
}

/// <summary>An answer that is awaited.</summary>
internal sealed class PendingQuestion(PeerQuestion question) : Pending
{
    private readonly TaskCompletionSource<Result<PeerAnswer>> _end =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Result<PeerAnswer>> End => _end.Task;

    public override byte[]? ToMessage() => QuestionCodec.Write(question, Number);

    public void Complete(PeerAnswer answer) => _end.TrySetResult(answer);

    public override void Fail(PeerEnd end, Failure failure) => _end.TrySetResult(failure);

    public override void Cancelled() => _end.TrySetCanceled();
}
