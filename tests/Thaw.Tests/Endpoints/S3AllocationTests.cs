using System.Net.Sockets;
using System.Text;
using Thaw.Core.Chunks;
using Xunit;

namespace Thaw.Tests.Endpoints;

/// <summary>Counts what the whole process allocates, so nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(S3AllocationTests), DisableParallelization = true)]
public sealed class S3AllocationCollection;

[Collection(nameof(S3AllocationTests))]
public sealed class S3AllocationTests
{
    private const int ShortBytes = 8 << 20;
    private const int LongBytes = 72 << 20;

    // Without optimisation the compiler makes every asynchronous call an object.
#if DEBUG
    private const int BytesPerBlock = 1200;
#else
    private const int BytesPerBlock = 16;
#endif

    [Fact]
    public async Task A_body_allocates_nothing_for_each_block()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("k", new byte[LongBytes]);
        // Connected without waiting asynchronously: only then a receive blocks in the kernel and allocates
        // nothing itself.
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(bench.Server.EndPoint);
        for (var warm = 0; warm < 3; warm++)
            Allocated(socket, LongBytes);
        var least = long.MaxValue;
        for (var run = 0; run < 5; run++)
            least = Math.Min(least, Allocated(socket, LongBytes) - Allocated(socket, ShortBytes));
        var blocks = (LongBytes - ShortBytes) / Geometry.BlockBytes;
        Assert.True(least < BytesPerBlock * blocks, $"{blocks} blocks more allocated {least} bytes more.");
    }

    private static long Allocated(Socket socket, int bytes)
    {
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var range = $"Range: bytes=0-{bytes - 1}";
        socket.Send(Encoding.ASCII.GetBytes($"GET /models/k HTTP/1.1\r\nHost: h\r\n{range}\r\n\r\n"));
        Span<byte> buffer = stackalloc byte[64 << 10];
        var (filled, end) = (0, -1);
        while (end < 0)
        {
            filled += socket.Receive(buffer[filled..]);
            end = buffer[..filled].IndexOf("\r\n\r\n"u8);
        }

        for (var rest = bytes - (filled - end - 4); rest > 0;)
        {
            var count = socket.Receive(buffer);
            Assert.True(count > 0, $"The server closed the connection {rest} bytes before the end.");
            rest -= count;
        }

        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }
}
