using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Thaw.Cluster.Transfer;
using Thaw.Cluster.Transfer.Client;
using Thaw.Cluster.Transfer.Server;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Identity;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Cluster.Transfer;

/// <summary>
/// Two nodes over loopback: one with a stored version answers, one asks. When it is disposed nothing may be held or
/// under way any more.
/// </summary>
internal sealed class TransferHouse : IAsyncDisposable
{
    public const int LastBytes = 3 * Geometry.BlockBytes + 77;
    public const long SizeBytes = 2L * Geometry.ChunkBytes + LastBytes;
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    public static readonly ContentId Id = ContentId.Derive("transfer", "sample");

    private readonly TempFolder _folder = new();
    private readonly SafeFileHandle _file;

    public TransferHouse(
        Func<PeerTransferOptions, PeerTransferOptions>? asks = null,
        Func<PeerTransferOptions, PeerTransferOptions>? answers = null)
    {
        Bytes = new byte[SizeBytes];
        new Random(5).NextBytes(Bytes);
        File.WriteAllBytes(_folder["data"], Bytes);
        _file = File.OpenHandle(_folder["data"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Service.Open = (request, _) => new ValueTask<PeerSupply>(StoredOf(request.Chunk));
        var options = new PeerTransferOptions
        {
            Cluster = "test",
            Node = "answers",
            Secret = "secret"u8.ToArray(),
            Listen = [new("127.0.0.1", 0)],
        };
        Server = new PeerServer(
            answers?.Invoke(options) ?? options, () => ClusterSnapshot.Empty, Service,
            NullLogger<PeerServer>.Instance);
        options = options with { Node = "asks", Listen = [], Connections = 1 };
        Client = new PeerClient(
            asks?.Invoke(options) ?? options, () => ClusterSnapshot.Empty, NullLogger<PeerClient>.Instance);
        Peer = new ClusterMember { Name = Server.Options.Node, Addresses = Server.Addresses };
    }

    public byte[] Bytes { get; }

    public SampleService Service { get; } = new();

    public PeerServer Server { get; }

    public PeerClient Client { get; }

    public ClusterMember Peer { get; set; }

    public SafeFileHandle Data => _file;

    public static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static PeerRequest RequestOf(int chunk) => new() { Id = Id, SizeBytes = SizeBytes, Chunk = chunk };

    public byte[] ChunkOf(int chunk) =>
        Bytes[(chunk * Geometry.ChunkBytes)..][..Geometry.ChunkLength(SizeBytes, chunk)];

    public uint[] CrcsOf(int chunk) =>
        [.. ChunkOf(chunk).Chunk(Geometry.BlockBytes).Select(block => Crc32C.Compute(block))];

    public SampleStored StoredOf(int chunk) =>
        Service.Stored(_file, Geometry.ChunkOffset(chunk), CrcsOf(chunk));

    public Task<(PeerFetchEnd End, SampleSink Sink)> FetchAsync(
        PeerRequest request, CancellationToken? cancellation = null, uint[]? expected = null) =>
        FetchAsync(request, new SampleSink(request.ChunkLength), cancellation, expected);

    public async Task<(PeerFetchEnd End, SampleSink Sink)> FetchAsync(
        PeerRequest request, SampleSink sink, CancellationToken? cancellation = null, uint[]? expected = null)
    {
        var end = await Client.FetchAsync(
            Peer, new PeerFetch(request, sink.Memory, sink) { ExpectedCrcs = expected }, cancellation ?? Stop)
            .AsTask().WaitAsync(Limit, Stop);
        return (end, sink);
    }

    /// <summary>Fetches a chunk whole and compares it.</summary>
    public async Task AssertFetchesAsync(int chunk)
    {
        var (end, sink) = await FetchAsync(RequestOf(chunk));
        Assert.Equal(new PeerFetchEnd(PeerEnd.Complete, Geometry.BlockCount(sink.Memory.Length)), end);
        Assert.True(sink.Memory.Span.SequenceEqual(ChunkOf(chunk)));
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        Assert.Equal(0, Client.InFlight);
        Assert.Equal(0, Server.Requests);
        Assert.Equal(0, Server.QueuedBytes);
        Assert.Equal(0, Service.Held);
        Assert.Equal(0, Server.Connections);
        _file.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Memory of a chunk, and what the sink was told.</summary>
internal sealed class SampleSink(int bytes) : IBlockSink
{
    private readonly Lock _gate = new();
    private ImmutableArray<(int Block, uint Crc)> _blocks = [];
    private ImmutableArray<PeerWait> _waits = [];
    private TaskCompletionSource _told = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Memory<byte> Memory { get; } = new byte[bytes];

    public ImmutableArray<(int Block, uint Crc)> Blocks
    {
        get
        {
            lock (_gate)
                return _blocks;
        }
    }

    public ImmutableArray<PeerWait> Waits
    {
        get
        {
            lock (_gate)
                return _waits;
        }
    }

    public void BlockChecked(int block, uint crc) => Tell(() => _blocks = _blocks.Add((block, crc)));

    public void Waiting(PeerWait reason) => Tell(() => _waits = _waits.Add(reason));

    /// <summary>Waits until what the sink was told fulfils a condition.</summary>
    public async Task UntilAsync(Func<SampleSink, bool> condition)
    {
        while (true)
        {
            Task told;
            lock (_gate)
                told = _told.Task;
            if (condition(this))
                return;
            await told.WaitAsync(TransferHouse.Limit, TransferHouse.Stop);
        }
    }

    private void Tell(Action note)
    {
        TaskCompletionSource told;
        lock (_gate)
        {
            note();
            (told, _told) = (_told, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        told.SetResult();
    }
}
