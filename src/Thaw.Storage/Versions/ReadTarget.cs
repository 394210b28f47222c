namespace Thaw.Storage.Versions;

/// <summary>
/// A caller's buffer lent to a disk's thread. The thread copies into it piece by piece; once the caller has taken it
/// back, by disposing this, the thread never touches it again, whenever the disk answers.
/// </summary>
internal sealed class ReadTarget(Memory<byte> destination) : IDisposable
{
    private const int Idle = 0;
    private const int Copying = 1;
    private const int Closed = 2;

    private int _state;

    /// <summary>Copies a piece; false when the caller has taken the buffer back.</summary>
    public bool TryCopy(ReadOnlySpan<byte> piece, int at)
    {
        if (Interlocked.CompareExchange(ref _state, Copying, Idle) != Idle)
            return false;
        piece.CopyTo(destination.Span[at..]);
        Volatile.Write(ref _state, Idle);
        return true;
    }

    /// <summary>Takes the buffer back; waits for a piece that is being copied, a block at most.</summary>
    public void Dispose()
    {
        var spin = new SpinWait();
        while (Interlocked.CompareExchange(ref _state, Closed, Idle) == Copying)
            spin.SpinOnce();
    }
}
