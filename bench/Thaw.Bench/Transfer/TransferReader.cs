using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Cluster.Transfer.Client;
using Thaw.Core.Chunks;
using Thaw.Core.Cluster;
using Thaw.Core.Contracts.Peers;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Bench.Transfer;

/// <summary>
/// The node that asks, as a process of its own: for each line of its input it takes the whole version from the other
/// node once and prints seconds and its own processor seconds. Keeping, every run writes a version of its own.
/// </summary>
internal sealed class TransferReader
{
    /// <summary>Chunks that are asked for at once on each connection: none ever waits for a request.</summary>
    private const int Depth = 3;

    private readonly NativeChunk[] _memory;
    private readonly ClusterMember _peer;
    private readonly PeerClient _client;
    private readonly ChunkStore? _store;
    private readonly long _bytes;
    private int _run;

    private TransferReader(PeerClient client, ClusterMember peer, long bytes, int streams, ChunkStore? store)
    {
        (_client, _peer, _bytes, _store) = (client, peer, bytes, store);
        // While some chunks are being written others arrive.
        _memory = [.. Enumerable.Range(0, Depth * streams + (store is null ? 0 : 4)).Select(_ => new NativeChunk())];
    }

    /// <summary>Arguments: bytes, address and port, congestion control, streams, folder to keep in.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var bytes = long.Parse(arguments[0], CultureInfo.InvariantCulture);
        if (!NodeAddress.TryParse(arguments[1], out var address))
            throw new ArgumentException($"{arguments[1]} is no address");
        var streams = int.Parse(arguments[3], CultureInfo.InvariantCulture);
        var options = TransferNode.Options with
        {
            Node = "asks",
            Connections = streams,
            Sockets = TransferNode.SocketsOf(arguments[2]),
        };
        await using var client = new PeerClient(
            options, () => ClusterSnapshot.Empty, NullLogger<PeerClient>.Instance);
        var peer = new ClusterMember { Name = TransferNode.Options.Node, Addresses = [address] };
        await using var store = arguments.Length > 4
            ? ChunkStore.Open(
                [new DiskOptions(arguments[4], 64L << 30)], _ => true, NullLogger.Instance, TimeProvider.System)
            : null;
        var reader = new TransferReader(client, peer, bytes, streams, store);
        Console.WriteLine("ready");
        while (Console.ReadLine() is not null)
        {
            if (store is not null)
                WarmMemory(bytes);
            var processor = Environment.CpuUsage.TotalTime;
            var start = Stopwatch.GetTimestamp();
            await reader.TakeAsync(streams);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            var used = (Environment.CpuUsage.TotalTime - processor).TotalSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:R} {used:R} {client.BytesIn}"));
        }

        return 0;
    }

    /// <summary>
    /// Touches as much memory as the run will fill with pages of new files: in a virtual machine the first touch of
    /// memory that was given back to its host is the host's time, and no node's.
    /// </summary>
    private static unsafe void WarmMemory(long bytes)
    {
        var memory = (byte*)NativeMemory.Alloc((nuint)bytes);
        for (long at = 0; at < bytes; at += 4096)
            memory[at] = 1;
        NativeMemory.Free(memory);
    }

    private async Task TakeAsync(int streams)
    {
        var version = TransferNode.VersionOf(_bytes);
        using var lease = _store is null
            ? null
            : (await _store.LeaseOrCreateAsync(TransferNode.VersionOf(_bytes, ++_run), default)).Value;
        using var asking = new SemaphoreSlim(Depth * streams);
        var free = new System.Collections.Concurrent.ConcurrentBag<NativeChunk>(_memory);
        using var memory = new SemaphoreSlim(_memory.Length);
        var all = new List<Task>();
        for (var chunk = 0; chunk < Geometry.ChunkCount(_bytes); chunk++)
        {
            await memory.WaitAsync();
            await asking.WaitAsync();
            if (!free.TryTake(out var buffer))
                throw new InvalidOperationException("the bench lost a buffer");
            var request = new PeerRequest { Id = version.Id, SizeBytes = _bytes, Chunk = chunk };
            all.Add(TakeAsync(request, buffer));
        }

        await Task.WhenAll(all);

        async Task TakeAsync(PeerRequest request, NativeChunk buffer)
        {
            var end = await _client.FetchAsync(_peer, new PeerFetch(request, buffer.Memory, buffer), default);
            asking.Release();
            if (end.End != PeerEnd.Complete)
                throw new IOException($"chunk {request.Chunk}: {end}");
            var written = new ChunkWrite(request.Chunk, buffer.Memory[..request.ChunkLength], [.. buffer.Crcs]);
            if (lease is not null && !(await _store!.WriteChunkAsync(lease, written)).IsOk)
                throw new IOException("the bench's store is full");
            free.Add(buffer);
            memory.Release();
        }
    }

    /// <summary>Memory of a chunk, as the cache has it: aligned, and no business of the collector.</summary>
    private sealed unsafe class NativeChunk : MemoryManager<byte>, IBlockSink
    {
        private readonly byte* _start = (byte*)NativeMemory.AlignedAlloc(Geometry.ChunkBytes, 4096);

        public uint[] Crcs { get; } = new uint[Geometry.BlocksPerChunk];

        public void BlockChecked(int block, uint crc) => Crcs[block] = crc;

        public void Waiting(PeerWait reason)
        {
        }

        public override Span<byte> GetSpan() => new(_start, Geometry.ChunkBytes);

        public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
