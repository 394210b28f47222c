using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>Answers with what a test has prepared, and counts what is held.</summary>
internal sealed class SampleService : IPeerService
{
    private int _held;

    /// <summary>What each chunk is answered with.</summary>
    public Func<PeerRequest, CancellationToken, ValueTask<PeerSupply>> Open { get; set; } =
        (_, _) => new ValueTask<PeerSupply>(new NotConfiguredSupply());

    public Func<PeerQuestion, Result<PeerAnswer>> Answer { get; set; } = _ => new DoneAnswer();

    /// <summary>Requests in the order in which they came.</summary>
    public ConcurrentQueue<(string Node, PeerRequest Request)> Asked { get; } = new();

    /// <summary>Supplies that were given and not given back.</summary>
    public int Held => Volatile.Read(ref _held);

    public long PromisedBytes { get; set; }

    public async ValueTask<PeerSupply> OpenAsync(
        string node, PeerRequest request, CancellationToken cancellationToken)
    {
        Asked.Enqueue((node, request));
        return await Open(request, cancellationToken);
    }

    public ValueTask<Result<PeerAnswer>> AnswerAsync(
        string node, PeerQuestion question, CancellationToken cancellationToken) => new(Answer(question));

    public SampleStored Stored(SafeFileHandle file, long offset, uint[] crcs) => new(this, file, offset, crcs);

    public SampleFlight Flight(byte[] bytes) => new(this, bytes);

    internal void Took() => Interlocked.Increment(ref _held);

    internal void GaveBack() => Interlocked.Decrement(ref _held);
}

/// <summary>A chunk in a file.</summary>
internal sealed class SampleStored : StoredSupply
{
    private readonly SampleService _owner;
    private readonly uint[] _crcs;

    public SampleStored(SampleService owner, SafeFileHandle file, long offset, uint[] crcs)
    {
        (_owner, File, Offset, _crcs) = (owner, file, offset, crcs);
        owner.Took();
    }

    public override SafeFileHandle File { get; }

    public override long Offset { get; }

    /// <summary>Called when a frame is prepared.</summary>
    public Action BeforeSend { get; init; } = () => { };

    public override ReadOnlySpan<uint> BlockCrcs
    {
        get
        {
            BeforeSend();
            return _crcs;
        }
    }

    public override void Dispose() => _owner.GaveBack();
}

/// <summary>A chunk that becomes ready block by block, as the test says.</summary>
internal sealed class SampleFlight : FlightSupply
{
    private readonly SampleService _owner;
    private readonly byte[] _bytes;
    private readonly Lock _gate = new();
    private TaskCompletionSource _progress = New();
    private Failure? _failure;
    private int _ready;

    public SampleFlight(SampleService owner, byte[] bytes)
    {
        (_owner, _bytes) = (owner, bytes);
        owner.Took();
    }

    public override ReadOnlyMemory<byte> Bytes => _bytes;

    public override int ReadyBlocks => Volatile.Read(ref _ready);

    public override PeerWait Reason => PeerWait.Origin;

    public void MakeReady(int blocks, Failure? failure = null)
    {
        TaskCompletionSource progress;
        lock (_gate)
        {
            Volatile.Write(ref _ready, blocks);
            _failure = failure;
            (progress, _progress) = (_progress, New());
        }

        progress.SetResult();
    }

    public override uint CrcOf(int block) => Crc32C.Compute(
        _bytes.AsSpan(block * Geometry.BlockBytes, Geometry.BlockLength(_bytes.Length, block)));

    public override async ValueTask<Failure?> WaitAsync(int block, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task progress;
            lock (_gate)
            {
                if (_ready > block)
                    return null;
                if (_failure is not null)
                    return _failure;
                progress = _progress.Task;
            }

            await progress.WaitAsync(cancellationToken);
        }
    }

    public override void Dispose() => _owner.GaveBack();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
