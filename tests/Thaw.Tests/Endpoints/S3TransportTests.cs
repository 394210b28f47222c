using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using Thaw.Core;
using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Endpoints.Transport;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Endpoints;

public sealed class S3TransportTests
{
    private static readonly int[] Sizes =
    [
        0, 1, 4095, 4096, 16_000, 16_384, 16_385, 262_143, 262_144, 262_145,
        (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_300_000,
    ];

    [Fact]
    public async Task Answers_of_all_sizes_follow_each_other_on_one_connection()
    {
        await using var bench = await S3Bench.StartAsync();
        foreach (var size in Sizes)
            bench.Models.Add($"k{size}", S3Bench.Bytes(size));
        await S3Bench.OneOf(Sizes).Select(Gen.Bool).Array[1, 12].SampleAsync(
            async requests =>
            {
                using var socket = await bench.ConnectAsync();
                var text = string.Concat(requests.Select(request =>
                    $"{(request.Item2 ? "HEAD" : "GET")} /models/k{request.Item1} HTTP/1.1\r\nHost: h\r\n\r\n"));
                await socket.SendAsync(Encoding.ASCII.GetBytes(text));
                foreach (var (size, isHead) in requests)
                {
                    Assert.StartsWith("HTTP/1.1 200", await ReadHeadersAsync(socket));
                    if (!isHead)
                        Assert.Equal(S3Bench.Bytes(size), await ReadAsync(socket, size));
                }
            },
            iter: 40);
    }

    [Fact]
    public async Task A_client_that_does_not_read_holds_two_buffers_and_no_more()
    {
        await using var bench = await S3Bench.StartAsync();
        var bytes = S3Bench.Bytes(48 << 20);
        bench.Models.Add("k", bytes);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 << 10 };
        await socket.ConnectAsync(bench.Server.EndPoint);
        await socket.SendAsync("GET /models/k HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await bench.WaitForReadersAsync(1, "while the client does not read");
        Assert.StartsWith("HTTP/1.1 200", await ReadHeadersAsync(socket));
        var start = await ReadAsync(socket, 2 << 20);
        Assert.InRange(bench.Server.RentedBuffers, 0, 2);
        Assert.Equal(1, bench.Models.OpenReaders);
        var rest = await ReadAsync(socket, bytes.Length - start.Length);
        Assert.Equal(bytes, start.Concat(rest));
        await bench.WaitForReadersAsync(0, "after the last byte");
    }

    [Fact]
    public async Task A_client_that_goes_in_the_middle_of_a_body_frees_reader_and_buffer()
    {
        await using var bench = await S3Bench.StartAsync();
        bench.Models.Add("k", S3Bench.Bytes(48 << 20));
        var socket = await bench.ConnectAsync();
        await socket.SendAsync("GET /models/k HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        await ReadAsync(socket, 1 << 20);
        await bench.WaitForReadersAsync(1, "in the middle of the body");
        socket.Close(0);
        await bench.WaitForReadersAsync(0, "after the client went");
        using var answer = await bench.GetAsync("/models/k", ("Range", "bytes=5-9"));
        Assert.Equal(S3Bench.Bytes(48 << 20)[5..10], await answer.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Whatever the socket takes at once, and whether or not the thread may wait for more.</summary>
    [Fact]
    public async Task What_is_flushed_arrives_whole_and_in_order()
    {
        await Gen.Select(Gen.Int[1, 3 << 20], Gen.Bool).Array[1, 8].SampleAsync(
            async pieces =>
            {
                var (client, server) = await ConnectAsync();
                using var _ = client;
                using var __ = server;
                using var buffers = new SendBuffers();
                var pipe = new Pipe();
                var writer = new SocketWriter(server, pipe.Writer, buffers);
                var expected = S3Bench.Bytes(pieces.Sum(piece => piece.Item1));
                var receiving = Task.Run(() => ReadAsync(client, expected.Length));
                var sent = 0;
                foreach (var (size, mayWait) in pieces)
                {
                    expected.AsSpan(sent, size).CopyTo(writer.GetSpan(size));
                    writer.Advance(size);
                    sent += size;
                    if (mayWait)
                        writer.LetFlushWait();
                    Assert.False((await writer.FlushAsync()).IsCompleted);
                }

                Assert.Equal(expected, await receiving);
                await writer.CompleteAsync();
                Assert.Equal(0, buffers.Rented);
            },
            iter: 20);
    }

    /// <summary>A client that is gone ends the wait, and the flush says so.</summary>
    [Fact]
    public async Task A_flush_that_may_wait_ends_when_the_client_is_gone()
    {
        var (client, server) = await ConnectAsync();
        using var _ = server;
        using var buffers = new SendBuffers();
        var writer = new SocketWriter(server, new Pipe().Writer, buffers);
        writer.GetSpan(1 << 20);
        writer.Advance(1 << 20);
        writer.LetFlushWait();
        var flushing = writer.FlushAsync();
        client.Close(0);
        Assert.True((await flushing).IsCompleted);
        Assert.Equal(0, buffers.Rented);
    }

    [Fact]
    public void Buffers_beyond_the_large_ones_are_blocks()
    {
        using var buffers = new SendBuffers();
        var rented = new List<SendBuffer>();
        for (var i = 0; i < Limits.LargeSendBuffers + 3; i++)
            rented.Add(buffers.Rent(Geometry.BlockBytes));
        Assert.Equal(Limits.LargeSendBuffers, rented.Count(buffer => buffer.Bytes == SendBuffers.LargeBytes));
        Assert.Equal(3, rented.Count(buffer => buffer.Bytes == Geometry.BlockBytes));
        rented.ForEach(buffers.Return);
        Assert.Equal(0, buffers.Rented);
        // The one that came back last, which the processor's cache still has.
        var last = rented[Limits.LargeSendBuffers - 1];
        Assert.Same(last, buffers.Rent(Geometry.BlockBytes));
        buffers.Return(last);
    }

    [Fact]
    public void The_runtime_has_the_switch_that_short_requests_are_served_with()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        Assert.True(InlineCompletions.TryEnable(socket));
    }

    [Fact]
    public async Task A_failure_while_the_bytes_before_it_are_sent_cuts_the_body_there()
    {
        const int good = 9 << 20;
        await using var bench = await S3Bench.StartAsync();
        var bytes = S3Bench.Bytes(48 << 20);
        bench.Models.Add("k", bytes);
        bench.Models.ReadFailure = (good, new Failure(FailureKind.OriginUnavailable, "The origin is down."));
        for (var turn = 0; turn < 8; turn++)
        {
            using var socket = await bench.ConnectAsync();
            await socket.SendAsync("GET /models/k HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            await ReadHeadersAsync(socket);
            var body = await S3Bench.ReadToEndAsync(socket);
            Assert.InRange(body.Length, 0, good);
            Assert.Equal(bytes[..body.Length], body);
        }

        await bench.WaitForReadersAsync(0, "after the bodies were cut");
        await Eventually.HoldsAsync(
            "all buffers are back", () => new(bench.Server.RentedBuffers == 0), () => $"{bench.Server.RentedBuffers}",
            TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    /// <summary>Two ends with little room between them.</summary>
    private static async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 << 10 };
        await client.ConnectAsync(listener.LocalEndPoint!);
        var server = await listener.AcceptAsync();
        server.SendBufferSize = 64 << 10;
        return (client, server);
    }

    private static async Task<string> ReadHeadersAsync(Socket socket)
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            text.Append((char)(await ReadAsync(socket, 1))[0]);
        return text.ToString();
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var read = await socket.ReceiveAsync(bytes.AsMemory(done), patience.Token);
            Assert.True(read > 0, $"The server closed the connection after {done} of {count} bytes.");
            done += read;
        }

        return bytes;
    }
}
