using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Thaw.Core;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// The output of a connection: what is written is sent by the flush that follows, on the caller's thread and from the
/// memory it was written to, instead of passing a pipe and the thread that empties it. A flush ends when the kernel has
/// all bytes: that is the back-pressure, and no thread waits for a slow client.
/// <para>One caller at a time, as the server in front of it guarantees; only <see cref="CancelPendingFlush"/> may come
/// from another thread. Aborting the connection closes the socket, which ends a waiting flush.</para>
/// </summary>
/// <param name="socket">The connection's socket.</param>
/// <param name="pipe">The transport's own output: told when writing ends, so that it shuts the socket down.</param>
/// <param name="buffers">Memory.</param>
internal sealed class SocketWriter(Socket socket, PipeWriter pipe, SendBuffers buffers) : PipeWriter, IBodyAhead
{
    private readonly List<Written> _written = new(4);
    private SendBuffer? _current;
    private SendBuffer? _prepared;
    private int _used;
    private int _sent;
    private long _unflushed;
    private bool _isOffered;
    private bool _isGone;
    private bool _isCompleted;
    private int _isCanceled;
    private bool _mayWait;
    private int _impatientFlushes;

    /// <summary>A filled part of a buffer.</summary>
    private readonly record struct Written(SendBuffer Buffer, int Length);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    public Memory<byte> Prepare(int least)
    {
        Withdraw();
        _prepared = buffers.Rent(least);
        return _prepared.Memory;
    }

    public void Offer() => _isOffered = _prepared is not null;

    public void Withdraw()
    {
        if (_prepared is not null)
            buffers.Return(_prepared);
        (_prepared, _isOffered) = (null, false);
    }

    public void LetFlushWait() => _mayWait = true;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ObjectDisposedException.ThrowIf(_isCompleted, this);
        if (_isOffered)
        {
            Close();
            (_current, _prepared, _isOffered) = (_prepared, null, false);
        }

        var least = Math.Max(sizeHint, 1);
        if (_current is null || _current.Bytes - _used < least)
        {
            Close();
            // What is written in many small steps ends up in few buffers.
            _current = buffers.Rent(_written.Count == 0 ? least : Math.Max(least, SendBuffers.SmallBytes + 1));
        }

        return _current.Memory[_used..];
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (bytes < 0 || bytes > (_current?.Bytes ?? 0) - _used)
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "More than GetMemory gave.");
        _used += bytes;
        _unflushed += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Close();
        if (_isGone)
            Release();
        var mayWait = _mayWait;
        _mayWait = false;
        return _unflushed == 0 || TrySendNow() || (mayWait && TrySendWaiting())
            ? new ValueTask<FlushResult>(Ended())
            : SendRestAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => Volatile.Write(ref _isCanceled, 1);

    /// <summary>What was not flushed goes to the transport's own output, which sends it before it shuts down.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
            return;
        _isCompleted = true;
        Close();
        var skip = _sent;
        foreach (var (buffer, length) in _written)
        {
            if (!_isGone && exception is null)
                System.Buffers.BuffersExtensions.Write(pipe, buffer.GetSpan()[skip..length]);
            skip = 0;
        }

        Release();
        Withdraw();
        pipe.Complete(exception);
    }

    private void Close()
    {
        if (_current is null)
            return;
        if (_used > 0)
            _written.Add(new Written(_current, _used));
        else
            buffers.Return(_current);
        (_current, _used) = (null, 0);
    }

    /// <summary>
    /// Waits on this thread for a client that is nearly as fast as the node: being woken by the kernel costs less than
    /// a polling thread that wakes another one. Few at once, and never long.
    /// </summary>
    private bool TrySendWaiting()
    {
        if (_impatientFlushes > 0)
        {
            _impatientFlushes--;
            return false;
        }

        if (!SendWaits.TryEnter())
            return false;
        try
        {
            var end = Environment.TickCount64 + (long)Limits.SendWait.TotalMilliseconds;
            while (Native.WaitWritable(socket.SafeHandle, (int)(end - Environment.TickCount64)))
            {
                var before = _unflushed;
                if (TrySendNow())
                    return true;
                if (_unflushed == before)
                    return false; // neither bytes nor room: the asynchronous way finds out why
            }
        }
        finally
        {
            SendWaits.Leave();
        }

        _impatientFlushes = Limits.FlushesAfterSlowClient;
        return false;
    }

    /// <summary>Hands the kernel what it takes at once, in one call where it takes all.</summary>
    private unsafe bool TrySendNow()
    {
        const int most = 4;
        var vectors = stackalloc Native.IoVector[most];
        while (_written.Count > 0)
        {
            var count = Math.Min(most, _written.Count);
            long bytes = 0;
            for (var i = 0; i < count; i++)
            {
                var skip = i == 0 ? _sent : 0;
                vectors[i].Base = _written[i].Buffer.Start + skip;
                vectors[i].Length = (nuint)(_written[i].Length - skip);
                bytes += _written[i].Length - skip;
            }

            var sent = Native.SendNow(socket.SafeHandle, vectors, count);
            if (sent < 0)
                return false; // the asynchronous way finds out whether to wait or that the client is gone
            Take(sent);
            if (sent < bytes)
                return false;
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendRestAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (_written.Count > 0)
            {
                var (buffer, length) = _written[0];
                Take(await socket.SendAsync(buffer.Memory[_sent..length], SocketFlags.None, cancellationToken)
                    .ConfigureAwait(false));
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            _isGone = true;
            Release();
        }
        catch (OperationCanceledException)
        {
            // Nobody knows how much was sent: nothing may follow, and the server aborts the connection.
            _isGone = true;
            Release();
            throw;
        }

        return Ended();
    }

    /// <summary>The kernel has so many bytes more.</summary>
    private void Take(long sent)
    {
        _unflushed -= sent;
        sent += _sent;
        var whole = 0;
        while (whole < _written.Count && sent >= _written[whole].Length)
        {
            sent -= _written[whole].Length;
            buffers.Return(_written[whole++].Buffer);
        }

        _written.RemoveRange(0, whole);
        _sent = (int)sent;
    }

    private void Release()
    {
        foreach (var written in _written)
            buffers.Return(written.Buffer);
        _written.Clear();
        (_sent, _unflushed) = (0, 0);
    }

    private FlushResult Ended() => new(Interlocked.Exchange(ref _isCanceled, 0) != 0, _isGone);
}
