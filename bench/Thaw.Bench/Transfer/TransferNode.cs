using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Thaw.Cluster.Transfer;
using Thaw.Cluster.Transfer.Server;
using Thaw.Cluster.Transfer.Sockets;
using Thaw.Core.Checksums;
using Thaw.Core.Chunks;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Bench.Transfer;

/// <summary>
/// The node that answers, as a process of its own: a store on disk that holds one version, whose pages are in memory.
/// Prints its port and serves until its input ends.
/// </summary>
internal sealed class TransferNode(ChunkStore store) : IPeerService
{
    public static readonly PeerTransferOptions Options = new()
    {
        Cluster = "bench",
        Node = "answers",
        Secret = "bench"u8.ToArray(),
    };

    /// <summary>The version of so many bytes.</summary>
    public static ObjectVersion VersionOf(long sizeBytes, int number = 0) => new()
    {
        Id = ContentId.Derive("bench", number.ToString(CultureInfo.InvariantCulture)),
        SizeBytes = sizeBytes,
        ETag = "\"bench\"",
        LastModified = DateTimeOffset.UnixEpoch,
    };

    public static SocketOptions SocketsOf(string control) => new(control.Length > 0 ? control : null);

    /// <summary>Arguments: folder, bytes, address, congestion control.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var (folder, bytes) = (arguments[0], long.Parse(arguments[1], CultureInfo.InvariantCulture));
        var address = IPAddress.Parse(arguments[2]);
        await using var store = ChunkStore.Open(
            [new DiskOptions(folder, 2 * bytes)], _ => true, NullLogger.Instance, TimeProvider.System);
        await FillAsync(store, VersionOf(bytes));
        var options = Options with
        {
            Listen = [new NodeAddress(address.ToString(), 0)],
            Sockets = SocketsOf(arguments[3]),
        };
        await using var server = new PeerServer(
            options, () => ClusterSnapshot.Empty, new TransferNode(store), NullLogger<PeerServer>.Instance);
        Console.WriteLine(server.Addresses[0].Port);
        while (Console.ReadLine() is not null)
            continue;
        return 0;
    }

    public long PromisedBytes => 0;

    public async ValueTask<PeerSupply> OpenAsync(
        string node, PeerRequest request, CancellationToken cancellationToken)
    {
        var lease = store.TryLeaseOpen(request.Id) ?? await store.LeaseAsync(request.Id, cancellationToken);
        if (lease is not null
            && await lease.Version.TryLocateAsync(request.Chunk, cancellationToken) is var (file, offset, crcs))
            return new LeasedChunk(lease, file, offset, crcs);
        lease?.Dispose();
        return new FailedSupply(new Failure(FailureKind.NotFound, "This node does not hold the chunk."));
    }

    public ValueTask<Result<PeerAnswer>> AnswerAsync(
        string node, PeerQuestion question, CancellationToken cancellationToken) =>
        new(new Failure(FailureKind.NotImplemented, "Nothing is asked here."));

    private static async Task FillAsync(ChunkStore store, ObjectVersion version)
    {
        var random = new Random(3);
        var bytes = new byte[Geometry.ChunkBytes];
        using var lease = (await store.LeaseOrCreateAsync(version, default)).Value;
        for (var chunk = 0; chunk < lease.Version.ChunkCount; chunk++)
        {
            random.NextBytes(bytes);
            var length = Geometry.ChunkLength(version.SizeBytes, chunk);
            var crcs = new uint[Geometry.BlocksPerChunk];
            for (var block = 0; block < Geometry.BlockCount(length); block++)
                crcs[block] = Crc32C.Compute(
                    bytes.AsSpan(block * Geometry.BlockBytes, Geometry.BlockLength(length, block)));
            if (!(await store.WriteChunkAsync(lease, new ChunkWrite(chunk, bytes.AsMemory(0, length), crcs))).IsOk)
                throw new IOException("the bench's store is full");
        }
    }

    private sealed class LeasedChunk(VersionLease lease, SafeFileHandle file, long offset, uint[] crcs) : StoredSupply
    {
        public override SafeFileHandle File => file;

        public override long Offset => offset;

        public override ReadOnlySpan<uint> BlockCrcs => crcs;

        public override void Dispose() => lease.Dispose();
    }
}
