using Thaw.Storage.Versions;

namespace Thaw.Storage.Disks;

/// <summary>
/// One configured disk until it is open: tried on a thread of its own, since a disk that hangs may never answer. The
/// store begins a try, waits for a bounded time or looks later, and goes on with what was opened.
/// <para>A try that hangs is not repeated; it ends when its disk answers, or with the process.</para>
/// </summary>
internal sealed class DiskOpening(DiskOptions options, StoreContext context)
{
    private Thread? _trying;
    private volatile DiskStore? _opened;
    private volatile Exception? _error;

    public string Path => options.Path;

    /// <summary>The disk, if a try has opened it; whoever goes on with it owns it.</summary>
    public DiskStore? Opened => _opened;

    /// <summary>Why the last try failed; null: none did, or one is under way.</summary>
    public Exception? Error => _error;

    /// <summary>Whether the last try failed and no disk is to blame: the node is not to run like this.</summary>
    public bool IsRefused => _error is { } error && !Native.IsDiskFailure(error);

    /// <summary>Begins a try, unless one is under way.</summary>
    public void Begin()
    {
        if (_trying is { IsAlive: true } || _opened is not null)
            return;
        _error = null;
        _trying = new Thread(Try) { IsBackground = true, Name = "disk start" };
        _trying.Start();
    }

    /// <summary>Lets the try under way end, if it does so in time.</summary>
    public void Join(TimeSpan limit) => _trying?.Join(limit > TimeSpan.Zero ? limit : TimeSpan.Zero);

    private void Try()
    {
        try
        {
            _opened = new DiskStore(options, context);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _error = error;
        }
    }
}
