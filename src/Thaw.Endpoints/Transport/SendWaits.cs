using Thaw.Core;

namespace Thaw.Endpoints.Transport;

/// <summary>
/// How many threads wait for a socket to take more bytes: one for so many processors as a second thread reads ahead
/// for, so that the pool keeps threads for everyone else. Any thread; each <see cref="TryEnter"/> that is true is
/// followed by one <see cref="Leave"/>.
/// </summary>
internal static class SendWaits
{
    private static readonly int Most = Math.Max(1, Environment.ProcessorCount / Limits.ProcessorsPerReadAhead);
    private static int _waiting;

    public static bool TryEnter()
    {
        if (Interlocked.Increment(ref _waiting) <= Most)
            return true;
        Leave();
        return false;
    }

    public static void Leave() => Interlocked.Decrement(ref _waiting);
}
