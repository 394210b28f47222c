using Thaw.Testing;

namespace Thaw.Faults.Posix;

/// <summary>Readers of one file, each a process of its own: <c>readers.py</c> says what they do.</summary>
internal static class ManyReaders
{
    /// <summary>Starts them; ends well, with "0 of N", if all bytes were right.</summary>
    /// <param name="mode"><c>held</c> or <c>mapped</c>.</param>
    /// <param name="count">How many.</param>
    /// <param name="path">What they read.</param>
    /// <param name="right">The right bytes.</param>
    /// <param name="folder">Empty; where they and the test tell each other how far they are.</param>
    /// <param name="cancellationToken">Ends them.</param>
    public static async Task<string> RunAsync(
        string mode, int count, string path, FakeContent right, TempFolder folder, CancellationToken cancellationToken)
    {
        using var want = new TempFolder();
        await File.WriteAllBytesAsync(want["want"], right.ToArray(), cancellationToken);
        var (code, text, error) = await new Command(
            "python3", Path.Combine(Places.Root, "tests/Thaw.Faults/Posix/readers.py"), mode, $"{count}", path,
            want["want"], folder.FullPath).TryRunAsync(cancellationToken);
        return $"{code}: {text}{error}";
    }

    /// <summary>
    /// Until every reader has begun, or has noticed what the files with this name before a number tell.
    /// </summary>
    public static Task AtWorkAsync(
        TempFolder folder, int readers, Scene scene, CancellationToken cancellationToken, string name = "") =>
        Eventually.HoldsAsync(
            $"every reader is at work {name}",
            () => ValueTask.FromResult(
                Enumerable.Range(0, readers).All(number => File.Exists(folder[$"{name}{number}"]))),
            () => scene.Node.Log, TimeSpan.FromSeconds(30), cancellationToken);
}
