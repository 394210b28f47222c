using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>A call to a disk that does not come back before the test lets it.</summary>
internal sealed class StuckCall : IDisposable
{
    private readonly ManualResetEventSlim _free = new();
    private readonly TaskCompletionSource _met = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when somebody is stuck.</summary>
    public Task Met => _met.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    /// <summary>Stays here.</summary>
    public void Hold()
    {
        _met.TrySetResult();
        Assert.True(_free.Wait(TimeSpan.FromMinutes(1)), "A stuck call was never let go.");
    }

    /// <summary>Lets all go.</summary>
    public void Free() => _free.Set();

    public void Dispose()
    {
        Free();
        _free.Dispose();
    }
}
