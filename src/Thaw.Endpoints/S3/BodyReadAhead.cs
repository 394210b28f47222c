using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Endpoints.S3;

/// <summary>
/// Reads a body's next bytes on another thread while the caller's thread sends those before. Worth it only where a
/// processor would be idle, so at most one in <see cref="Limits.ProcessorsPerReadAhead"/> may be filling at once; with
/// more bodies than that, threads have enough to do.
/// <para>One body, one caller: <see cref="TryEnter"/>, <see cref="Start"/>, then await what it gives, always, before
/// anything else is asked of the reader. Allocates nothing after its own making.</para>
/// </summary>
internal sealed class BodyReadAhead(Func<Memory<byte>, ValueTask<Result<int>>> fill)
    : IThreadPoolWorkItem, IValueTaskSource<Result<int>>
{
    private static readonly int Most = Math.Max(1, Environment.ProcessorCount / Limits.ProcessorsPerReadAhead);
    private static int _filling;

    private ManualResetValueTaskSourceCore<Result<int>> _done;
    private Memory<byte> _memory;
    private ConfiguredValueTaskAwaitable<Result<int>>.ConfiguredValueTaskAwaiter _read;
    private Action? _filled;

    /// <summary>Whether one more may be filling now; if so, <see cref="Start"/> must follow.</summary>
    public static bool TryEnter()
    {
        if (Interlocked.Increment(ref _filling) <= Most)
            return true;
        Interlocked.Decrement(ref _filling);
        return false;
    }

    /// <summary>Begins to fill the memory on a thread of the pool.</summary>
    public ValueTask<Result<int>> Start(Memory<byte> memory)
    {
        _memory = memory;
        _done.Reset();
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return new ValueTask<Result<int>>(this, _done.Version);
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "Its awaiter is used once, here or in Finish.")]
    void IThreadPoolWorkItem.Execute()
    {
        _read = fill(_memory).ConfigureAwait(false).GetAwaiter();
        // A read that waits for a disk or an origin keeps no processor busy.
        Interlocked.Decrement(ref _filling);
        if (_read.IsCompleted)
            Finish();
        else
            _read.UnsafeOnCompleted(_filled ??= Finish);
    }

    Result<int> IValueTaskSource<Result<int>>.GetResult(short token) => _done.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Result<int>>.GetStatus(short token) => _done.GetStatus(token);

    void IValueTaskSource<Result<int>>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _done.OnCompleted(continuation, state, token, flags);

    private void Finish()
    {
        try
        {
            _done.SetResult(_read.GetResult());
        }
        catch (Exception error)
        {
            _done.SetException(error);
        }
    }
}
