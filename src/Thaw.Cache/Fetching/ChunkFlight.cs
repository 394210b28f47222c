using System.Diagnostics;
using Thaw.Cache.Memory;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;

namespace Thaw.Cache.Fetching;

/// <summary>
/// The one fetch of one chunk, shared by all who want it. Its bytes come in order; a block can be read as soon as its
/// CRC is computed (cut-through), while the rest is on its way.
/// <para>States: queued, running, settling (whole; being kept on disk), resident (whole, not kept: readable until the
/// memory is needed), and gone: kept on disk, failed or dropped.</para>
/// <para>Any thread may take an interest, wait and copy; only the fetching task publishes. The table above owns
/// queueing, states and the buffer's return; a pin keeps the buffer while someone waits or copies.</para>
/// </summary>
internal sealed class ChunkFlight
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<Result<bool>> _settled = NewSettled();
    private TaskCompletionSource? _progress;
    private ChunkBuffer? _buffer;
    private long _started;
    private int _readyBlocks;
    private int _pins;
    private bool _released;
    private Failure? _failure;

    public ChunkFlight(FetchSource source, int chunk, FetchPriority priority, OriginCause cause)
    {
        (Source, Chunk, Priority, Cause) = (source, chunk, priority, cause);
        Length = Geometry.ChunkLength(source.Version.SizeBytes, chunk);
    }

    public FetchSource Source { get; }

    public int Chunk { get; }

    /// <summary>Bytes of the chunk.</summary>
    public int Length { get; }

    public OriginCause Cause { get; }

    /// <summary>CRC-32C of each block; those of ready blocks are valid, those behind the chunk's end 0.</summary>
    public uint[] BlockCrcs { get; } = new uint[Geometry.BlocksPerChunk];

    /// <summary>Ends when the chunk is whole and kept (true) or whole and not kept (false), or has failed.</summary>
    public Task<Result<bool>> Settled => _settled.Task;

    // Owned by the table, under its lock.
    public FetchPriority Priority { get; set; }

    public FlightState State { get; set; } = FlightState.Queued;

    public int Interests { get; set; }

    /// <summary>It waits for another node, and no other node waits for it.</summary>
    public bool IsRemote { get; set; }

    /// <summary>Another node waits, or waited, for it.</summary>
    public bool IsForPeer { get; set; }

    /// <summary>A job wants it on disk, whatever has to go for it.</summary>
    public bool IsWanted { get; set; }

    /// <summary>The version turned out not to be the origin's: its bytes are not kept.</summary>
    public bool IsTainted { get; set; }

    /// <summary>CRC-64/NVME of the whole chunk, where the origin's sum is of that kind; valid once whole.</summary>
    public ulong? Crc64 { get; private set; }

    /// <summary>Where its bytes come from, as the last source said.</summary>
    public Tier Tier { get; set; } = Tier.Origin;

    /// <summary>The node that is asked for it now; null: none.</summary>
    public string? AskedNode { get; set; }

    /// <summary>What it waits for.</summary>
    public PeerWait Reason { get; set; } = PeerWait.Origin;

    /// <summary>Blocks that are ready, from the front.</summary>
    public int ReadyBlocks => Volatile.Read(ref _readyBlocks);

    /// <summary>
    /// The blocks that are to be written, one bit each: all, or those of a repair. Set by the fetching task.
    /// </summary>
    public uint WrittenBlocks { get; set; } = uint.MaxValue;

    public ChunkBuffer Buffer => _buffer ?? throw new InvalidOperationException("The flight has no buffer yet.");

    public bool IsWhole => Volatile.Read(ref _readyBlocks) == Geometry.BlockCount(Length);

    /// <summary>Since the start of the fetch.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>From the start of the fetch until the last block was checked; valid once whole.</summary>
    public TimeSpan FetchTime { get; private set; }

    public void Start(ChunkBuffer buffer) => (_buffer, _started) = (buffer, Stopwatch.GetTimestamp());

    /// <summary>Keeps the buffer for the caller; false when it is gone already.</summary>
    public bool TryPin()
    {
        lock (_gate)
        {
            if (_released)
                return false;
            _pins++;
            return true;
        }
    }

    public void Unpin()
    {
        ChunkBuffer? free = null;
        lock (_gate)
        {
            if (--_pins == 0 && _released)
                (free, _buffer) = (_buffer, null);
        }

        free?.Return();
    }

    /// <summary>
    /// Gives the buffer up; it returns to the pool when the last pin is gone. False if someone has a pin.
    /// </summary>
    public bool Release(bool onlyIfUnpinned)
    {
        ChunkBuffer? free = null;
        lock (_gate)
        {
            if (_released || (onlyIfUnpinned && _pins > 0))
                return false;
            _released = true;
            if (_pins == 0)
                (free, _buffer) = (_buffer, null);
        }

        free?.Return();
        return true;
    }

    /// <summary>Computes and publishes the CRCs of every block that is whole now.</summary>
    /// <param name="receivedBytes">Bytes at the front of the buffer that have been received.</param>
    public void Publish(int receivedBytes)
    {
        var ready = _readyBlocks;
        var whole = receivedBytes == Length ? Geometry.BlockCount(Length) : receivedBytes / Geometry.BlockBytes;
        if (whole == ready)
            return;
        for (; ready < whole; ready++)
            Enter(ready, ComputeCrc(ready));
        Show(ready);
    }

    /// <summary>Publishes the next block, whose CRC was computed while it came.</summary>
    public void Accept(int block, uint crc)
    {
        if (block != _readyBlocks)
            return;
        Enter(block, crc);
        Show(block + 1);
    }

    /// <summary>CRC-32C of a block that has been received; the fetching task asks.</summary>
    public uint ComputeCrc(int block) => Crc32C.Compute(BytesOf(block));

    public void Fail(Failure failure)
    {
        Volatile.Write(ref _failure, failure);
        Wake();
        _settled.TrySetResult(failure);
    }

    /// <summary>A resident chunk is to be kept after all; whoever waits from now on waits for that.</summary>
    public void SettleAgain() => (State, _settled) = (FlightState.Settling, NewSettled());

    public void Settle(bool kept) => _settled.TrySetResult(kept);

    /// <summary>Waits until the block that holds an offset of the chunk is ready. Hold a pin.</summary>
    public async ValueTask<Failure?> WaitAsync(int offsetInChunk, CancellationToken cancellationToken)
    {
        var block = offsetInChunk / Geometry.BlockBytes;
        while (Volatile.Read(ref _readyBlocks) <= block)
        {
            Task progress;
            lock (_gate)
            {
                if (Volatile.Read(ref _readyBlocks) > block)
                    break;
                if (_failure is { } failure)
                    return failure;
                _progress ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                progress = _progress.Task;
            }

            await progress.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return null;
    }

    /// <summary>
    /// Copies ready bytes from an offset of the chunk; at least one after a successful wait. Hold a pin.
    /// </summary>
    public int Copy(int offsetInChunk, Span<byte> destination)
    {
        var readyBytes = Math.Min(Length, Volatile.Read(ref _readyBlocks) * Geometry.BlockBytes);
        var bytes = Math.Min(destination.Length, readyBytes - offsetInChunk);
        Buffer.GetSpan().Slice(offsetInChunk, bytes).CopyTo(destination);
        return bytes;
    }

    private static TaskCompletionSource<Result<bool>> NewSettled() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Span<byte> BytesOf(int block) =>
        Buffer.GetSpan().Slice(block * Geometry.BlockBytes, Geometry.BlockLength(Length, block));

    /// <summary>Takes the next block's sums; nobody sees them before <see cref="Show"/>.</summary>
    private void Enter(int block, uint crc)
    {
        BlockCrcs[block] = crc;
        if (Source.Version.Sum is { Kind: SumKind.Crc64Nvme })
            Crc64 = Crc64Nvme.Append(Crc64 ?? 0, BytesOf(block));
    }

    private void Show(int ready)
    {
        if (ready == Geometry.BlockCount(Length))
            FetchTime = Stopwatch.GetElapsedTime(_started);
        Volatile.Write(ref _readyBlocks, ready);
        Wake();
    }

    private void Wake()
    {
        TaskCompletionSource? progress;
        lock (_gate)
            (progress, _progress) = (_progress, null);
        progress?.SetResult();
    }
}

/// <summary>Where a flight is.</summary>
internal enum FlightState
{
    Queued,
    Running,
    Settling,
    Resident,
    Gone,
}
