using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Thaw.Core;
using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>Takes requests; on a reading thread, so it never waits.</summary>
internal delegate void RequestHandler(in Request request);

/// <summary>
/// The threads that read requests from one connection, each on a descriptor of its own. They end when the file system
/// is unmounted. Dispose afterwards; a mount that is still in use keeps its threads until the process ends.
/// </summary>
internal sealed class FuseLoop : IDisposable
{
    /// <summary>
    /// Room for any request: names and forget lists; the tree takes no writes (FUSE_MIN_READ_BUFFER is 8 KiB).
    /// </summary>
    private const int BufferBytes = 128 << 10;

    private readonly Channel[] _channels;
    private readonly RequestHandler _handle;
    private readonly ILogger _logger;
    private readonly string _path;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;

    public FuseLoop(Channel first, string path, RequestHandler handle, ILogger logger)
    {
        (_path, _handle, _logger) = (path, handle, logger);
        _channels = new Channel[Math.Clamp(Environment.ProcessorCount, 2, Limits.PosixThreads)];
        _channels[0] = first;
        for (var index = 1; index < _channels.Length; index++)
            _channels[index] = first.Clone();
        _running = _channels.Length;
    }

    /// <summary>The descriptors of the connection; all of them go to whoever takes the connection over.</summary>
    public IReadOnlyList<Channel> Channels => _channels;

    /// <summary>Ends when the file system is gone.</summary>
    public Task Ended => _ended.Task;

    public void Start()
    {
        foreach (var channel in _channels)
            new Thread(() => Run(channel)) { IsBackground = true, Name = "posix" }.Start();
    }

    public void Dispose()
    {
        if (!_ended.Task.IsCompleted)
            return;
        foreach (var channel in _channels)
            channel.Dispose();
    }

    private unsafe void Run(Channel channel)
    {
        var start = (byte*)NativeMemory.AlignedAlloc(BufferBytes, 4096);
        try
        {
            var buffer = new Span<byte>(start, BufferBytes);
            while (true)
            {
                var read = channel.Read(buffer);
                if (read >= 0)
                    Handle(channel, buffer[..read]);
                // ENOENT: the request was interrupted before it could be read.
                else if (-read is not (Errno.Interrupted or Errno.Again or Errno.NoEntry))
                    break;
            }
        }
        finally
        {
            NativeMemory.AlignedFree(start);
            if (Interlocked.Decrement(ref _running) == 0)
                _ended.TrySetResult();
        }
    }

    private void Handle(Channel channel, ReadOnlySpan<byte> bytes)
    {
        if (!Request.TryRead(channel, bytes, out var request))
        {
            Log.Failed(_logger, _path, "the kernel sent a request of a wrong length");
            return;
        }

        try
        {
            _handle(in request);
        }
        catch (Exception error)
        {
            Log.Broke(_logger, error);
            request.Fail(Errno.Io);
        }
    }
}
