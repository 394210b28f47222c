namespace Thaw.Core.Planning;

/// <summary>
/// How many chunks a node fetches from others for its own readers at once. What other nodes wait for comes through the
/// same link, and on a slow one a node's own fetches would leave it nothing: so there is one more for each that came,
/// and half when what others waited for came slowly. Few are enough where the origin is what is slow. Pure; one caller
/// at a time.
/// </summary>
public sealed class OwnShare
{
    /// <summary>At first: enough to hide the way to other nodes.</summary>
    public const int First = 8;

    /// <summary>At least: one is received while another is on its way.</summary>
    public const int Least = 2;

    /// <summary>More than memory has room for anyway.</summary>
    public const int Most = 1024;

    /// <summary>A chunk that comes with less than this came slowly: a tenth of a common card's share.</summary>
    private const double SlowBytesPerSecond = 8e6;

    private TimeSpan _untouched;

    /// <summary>How many at once.</summary>
    public int Chunks { get; private set; } = First;

    /// <summary>One of the node's own has come.</summary>
    public void OwnCame() => Chunks = Math.Min(Chunks + 1, Most);

    /// <summary>One that another node waited for has come, or has been long enough on its way.</summary>
    /// <param name="bytes">Bytes of it.</param>
    /// <param name="took">How long it took.</param>
    /// <param name="now">The present time; what was on its way when the share was halved counts once.</param>
    public void OtherCame(long bytes, TimeSpan took, TimeSpan now)
    {
        if (took.TotalSeconds * SlowBytesPerSecond < bytes || now - took < _untouched)
            return;
        Chunks = Math.Max(Chunks / 2, Least);
        _untouched = now;
    }
}
