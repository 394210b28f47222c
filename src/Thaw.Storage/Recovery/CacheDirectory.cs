using Thaw.Storage.Disks;

namespace Thaw.Storage.Recovery;

/// <summary>A look at a cache directory from outside, by the doctor. Changes nothing.</summary>
public static class CacheDirectory
{
    /// <summary>
    /// Why a node could not take the directory, and what to do; null: it could, as far as its format and its lock say.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="isOwn">The node that has it is the one that ought to.</param>
    public static (string Found, string Advice)? FindProblem(string path, bool isOwn)
    {
        var files = new FileSystem();
        if (RunMarker.FindForeignFormat(files, path) is { } foreign)
            return foreign;
        var file = Path.Combine(path, "lock");
        if (isOwn || !files.Exists(file))
            return null;
        using var held = files.TryLock(file);
        return held is not null ? null
            : ($"{RunMarker.OwnerOf(files, path)} uses it", "stop that one, or give this node its own directory.");
    }
}
