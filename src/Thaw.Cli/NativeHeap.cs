using System.Runtime.InteropServices;

namespace Thaw.Cli;

/// <summary>
/// How the C library keeps native memory. By itself it learns from each large buffer that is freed to keep later ones
/// in the heaps of its threads, where they stay as holes: 64 readers at once held 360 MB instead of 240. Large buffers
/// are pooled, so they are mapped and unmapped one by one instead (mallopt(3), M_MMAP_THRESHOLD).
/// </summary>
internal static partial class NativeHeap
{
    private const int MapThreshold = -3; // M_MMAP_THRESHOLD
    private const int LargeBytes = 128 << 10;

    /// <summary>Before the first large buffer is made.</summary>
    public static void MapLargeBuffers()
    {
        try
        {
            _ = SetOption(MapThreshold, LargeBytes);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, which does not learn.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);
}
