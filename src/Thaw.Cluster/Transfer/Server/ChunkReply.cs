using Thaw.Cluster.Transfer.Sockets;
using Thaw.Cluster.Transfer.Wire;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;

namespace Thaw.Cluster.Transfer.Server;

/// <summary>
/// The blocks of one request, from a file or from memory. The supply is given once, before the reply is first queued,
/// and given back when it ends.
/// </summary>
internal sealed class ChunkReply : Reply
{
    private readonly CancellationTokenSource _cancel = new();
    private readonly PeerServer _server;
    private PeerSupply? _supply;
    private int _frameEnd;
    private int _left;

    public ChunkReply(uint request, PeerRequest wanted, PeerServer server)
        : base(request, 1 + (int)wanted.Priority)
    {
        (Wanted, NextBlock, _server) = (wanted, wanted.FirstBlock, server);
        if (wanted.Patience is { } patience)
            _cancel.CancelAfter(patience);
        Token = _cancel.Token;
    }

    public PeerRequest Wanted { get; }

    /// <summary>Ends the waiting for a supply or a block.</summary>
    public CancellationToken Token { get; }

    /// <summary>The first block that was not sent.</summary>
    public int NextBlock { get; private set; }

    public PeerSupply? Supply => _supply;

    public override PeerWait Reason =>
        Volatile.Read(ref _supply) is FlightSupply flight && flight.ReadyBlocks <= NextBlock ? flight.Reason
        : _supply is null ? PeerWait.Disk
        : PeerWait.Queue;

    public override int PayloadLeft => _left;

    public override int ReadyBytes => BytesOf(NextBlock, ReadyEnd);

    private int ReadyEnd => _supply switch
    {
        StoredSupply => Wanted.EndBlock,
        FlightSupply flight => Math.Clamp(flight.ReadyBlocks, NextBlock, Wanted.EndBlock),
        _ => NextBlock,
    };

    public void Give(PeerSupply supply) => Volatile.Write(ref _supply, supply);

    public override int Prepare(Span<byte> buffer)
    {
        _frameEnd = Math.Min(ReadyEnd, NextBlock + Limits.PeerFrameBlocks);
        _left = BytesOf(NextBlock, _frameEnd);
        if (_supply is StoredSupply stored)
            return BlocksHead.Write(
                buffer, Request, NextBlock, stored.BlockCrcs[NextBlock.._frameEnd], _left, _server.Load);
        var flight = (FlightSupply)_supply!;
        Span<uint> crcs = stackalloc uint[Geometry.BlocksPerChunk];
        for (var block = NextBlock; block < _frameEnd; block++)
            crcs[block - NextBlock] = flight.CrcOf(block);
        return BlocksHead.Write(
            buffer, Request, NextBlock, crcs[..(_frameEnd - NextBlock)], _left, _server.Load);
    }

    public override int SendPayload(PeerSocket socket)
    {
        var end = Math.Min(Wanted.ChunkLength, _frameEnd * Geometry.BlockBytes);
        var sent = _supply is StoredSupply stored
            ? socket.SendFile(stored.File, stored.Offset + end - _left, _left)
            : socket.Send(((FlightSupply)_supply!).Bytes.Span[(end - _left)..end], isMoreComing: false);
        // A file that ends before its chunk does cannot be made up for within a frame.
        if (sent == 0)
            return PeerSocket.Gone;
        _left -= Math.Max(0, sent);
        return sent;
    }

    public override Follow Sent()
    {
        NextBlock = _frameEnd;
        return NextBlock == Wanted.EndBlock ? Follow.End
            : ReadyEnd > NextBlock ? Follow.Ready
            : Follow.Await;
    }

    public override void Cancel()
    {
        base.Cancel();
        _cancel.Cancel();
    }

    public override void End()
    {
        // Without its timer the source needs no disposal, and a late cancel finds it alive.
        _cancel.CancelAfter(Timeout.InfiniteTimeSpan);
        _supply?.Dispose();
    }

    private int BytesOf(int from, int to) => Math.Max(
        0, Math.Min(Wanted.ChunkLength, to * Geometry.BlockBytes) - from * Geometry.BlockBytes);
}
