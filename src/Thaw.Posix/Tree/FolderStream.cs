using Thaw.Core.Failures;

namespace Thaw.Posix.Tree;

/// <summary>
/// One reading of one folder, by offset: 0 is <c>.</c>, 1 is <c>..</c>, the names follow. It holds one page of the
/// listing and fetches the next one ahead; whoever seeks back begins at the page where it was, so that a folder of any
/// size takes the same memory. One caller at a time, as the kernel does; turns are for those that it gave up on.
/// </summary>
internal sealed class FolderStream : IDisposable
{
    /// <summary>Offset of the first name.</summary>
    public const int First = 2;

    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationToken _closed;
    private readonly List<(long Offset, string After, int HiddenBefore)> _marks = [(First, "", 0)];
    private readonly TreeNames _names;
    private Task _turn = Task.CompletedTask;
    private Task<Result<FolderPage>>? _next;
    private Page? _page;

    public FolderStream(TreeNames names, Node folder, TimeProvider clock)
    {
        (_names, Folder, BegunAt) = (names, folder, clock.GetTimestamp());
        _closed = _closing.Token;
    }

    public Node Folder { get; }

    /// <summary>When the listing was begun.</summary>
    public long BegunAt { get; }

    /// <summary>How many names are hidden, once the end was reached; else null.</summary>
    public int? HiddenAtEnd => Volatile.Read(ref _page) is { Names.After: null } page ? page.Hidden : null;

    /// <summary>
    /// The names from an offset on if they are here: none at the end, null if they have to be fetched.
    /// </summary>
    public ReadOnlyMemory<Found>? TryGet(long offset)
    {
        if (Volatile.Read(ref _page) is not { } page || offset < page.Offset)
            return null;
        var index = offset - page.Offset;
        if (index < page.Names.Names.Count)
            return page.Memory[(int)index..];
        if (page.Names.After is null)
            return ReadOnlyMemory<Found>.Empty;
        return null;
    }

    /// <summary>Goes to the page that holds an offset.</summary>
    public async Task<Failure?> MoveToAsync(long offset, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed);
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Interlocked.Exchange(ref _turn, mine.Task).ConfigureAwait(false);
        try
        {
            while (TryGet(offset) is null)
                if (await FetchPageAsync(MarkBefore(offset), limit.Token).ConfigureAwait(false) is { } failure)
                    return failure;
            return null;
        }
        finally
        {
            mine.SetResult();
        }
    }

    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    private async Task<Failure?> FetchPageAsync(int mark, CancellationToken cancellationToken)
    {
        var ahead = mark == _marks.Count - 1 ? Interlocked.Exchange(ref _next, null) : null;
        var (start, after, hidden) = _marks[mark];
        var fetched = await (ahead ?? FetchAsync(after)).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!fetched.TryGet(out var page, out var failure))
            return failure;
        Volatile.Write(ref _page, new Page(start, page, hidden + page.Hidden));
        // What lay behind it may lie elsewhere by now.
        _marks.RemoveRange(mark + 1, _marks.Count - mark - 1);
        if (page.After is null)
            return null;
        _marks.Add((start + page.Names.Count, page.After, hidden + page.Hidden));
        _next = FetchAsync(page.After);
        return null;
    }

    private int MarkBefore(long offset)
    {
        var mark = _marks.Count - 1;
        while (mark > 0 && _marks[mark].Offset > offset)
            mark--;
        return mark;
    }

    private async Task<Result<FolderPage>> FetchAsync(string after)
    {
        try
        {
            var (mount, prefix) = Folder.Locate();
            if (mount.Length == 0)
                return new FolderPage([.. _names.Mounts], 0, null);
            return await _names.ListAsync(mount, prefix, after, _closed).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closed.IsCancellationRequested)
        {
            return new Failure(FailureKind.Stopping, "The folder was closed.");
        }
    }

    private sealed class Page(long offset, FolderPage names, int hidden)
    {
        public long Offset => offset;

        public FolderPage Names => names;

        public int Hidden => hidden;

        public ReadOnlyMemory<Found> Memory { get; } = names.Names.ToArray();
    }
}
