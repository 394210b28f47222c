using Thaw.Posix.Bindings;

namespace Thaw.Posix.Loop;

/// <summary>
/// A request that could not be answered at once. It is answered exactly once: by its handler, or before that with EINTR
/// when the kernel interrupts it, or with EIO when its time is up. The handler then finds that nobody waits and undoes.
/// </summary>
internal sealed class PendingRequest : IDisposable
{
    private readonly Channel _channel;
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenRegistration _registration;
    private int _isAnswered;
    private volatile bool _isInterrupted;

    public PendingRequest(Channel channel, ulong unique, TimeSpan deadline, TimeProvider clock)
    {
        (_channel, Unique) = (channel, unique);
        _limit = new CancellationTokenSource(deadline, clock);
        Cancelled = _limit.Token;
        _registration = Cancelled.UnsafeRegister(static state =>
        {
            var request = (PendingRequest)state!;
            request.Fail(request._isInterrupted ? Errno.Interrupted : Errno.Io);
        }, this);
    }

    public ulong Unique { get; }

    /// <summary>Cancelled when nobody waits for the answer any more.</summary>
    public CancellationToken Cancelled { get; }

    /// <summary>Ends when the handler has.</summary>
    public Task Handler { get; set; } = Task.CompletedTask;

    /// <summary>The kernel wants it to end, since its process was signalled.</summary>
    public void Interrupt()
    {
        _isInterrupted = true;
        TryCancel();
    }

    /// <summary>The mount goes.</summary>
    public void Stop() => TryCancel();

    /// <summary>Answers with an errno, or 0; false if nobody waits any more.</summary>
    public bool Fail(int errno) => TryTake() && _channel.Fail(Unique, errno);

    /// <summary>Answers with a body; false if nobody waits any more.</summary>
    public bool Answer(ReadOnlySpan<byte> body) => TryTake() && _channel.Answer(Unique, body);

    /// <summary>Answers with a structure; false if nobody waits any more.</summary>
    public bool Answer<T>(in T body)
        where T : unmanaged => TryTake() && _channel.Answer(Unique, in body);

    public void Dispose()
    {
        _registration.Dispose();
        _limit.Dispose();
    }

    private bool TryTake() => Interlocked.Exchange(ref _isAnswered, 1) == 0;

    private void TryCancel()
    {
        try
        {
            _limit.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has been answered in this moment.
        }
    }
}
