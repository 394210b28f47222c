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

    /// <summary>
    /// A chunk that takes this long came slowly: what a reader's first window hides of 50 MB/s, so that readers do not
    /// stand still.
    /// </summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(2.5);

    private TimeSpan _untouched;

    /// <summary>How many at once.</summary>
    public int Chunks { get; private set; } = First;

    /// <summary>One of the node's own has come.</summary>
    public void OwnCame() => Chunks = Math.Min(Chunks + 1, Most);

    /// <summary>One that another node waited for has come, or has been long enough on its way.</summary>
    /// <param name="took">How long it took.</param>
    /// <param name="now">The present time; what was on its way when the share was halved counts once.</param>
    public void OtherCame(TimeSpan took, TimeSpan now)
    {
        if (took < Slow || now - took < _untouched)
            return;
        Chunks = Math.Max(Chunks / 2, Least);
        _untouched = now;
    }
}
