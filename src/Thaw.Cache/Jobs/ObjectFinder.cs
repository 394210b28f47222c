using System.Runtime.CompilerServices;
using Thaw.Cache.Naming;
using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;

namespace Thaw.Cache.Jobs;

/// <summary>Finds the objects that a path names, page by page.</summary>
internal sealed class ObjectFinder(MountTable mounts)
{
    /// <summary>Why a path can name nothing on this node; null when it may.</summary>
    public Failure? Refuse(string path) => !PathPattern.Parse(path).TryGet(out var pattern, out var invalid)
        ? invalid
        : mounts.TryGet(pattern.Path.Mount, out _, out var missing) ? null : missing;

    /// <summary>
    /// Each matching object of a path, at the origin or, while it is down, among the known ones. One failure ends it. A
    /// single path yields itself without asking anybody.
    /// </summary>
    public async IAsyncEnumerable<Result<(MountCatalog Mount, string Key)>> FindAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!PathPattern.Parse(path).TryGet(out var pattern, out var invalid))
        {
            yield return invalid;
            yield break;
        }

        if (!mounts.TryGet(pattern.Path.Mount, out var mount, out var missing))
        {
            yield return missing;
            yield break;
        }

        if (pattern.IsSingle)
        {
            yield return (mount, pattern.Path.Key);
            yield break;
        }

        for (var after = ""; ;)
        {
            var (listed, _) = await mount.ListAsync(
                new ListRequest(pattern.Prefix, null, after, Limits.ListPageKeys), cancellationToken)
                    .ConfigureAwait(false);
            if (!listed.TryGet(out var page, out var failure))
            {
                yield return failure;
                yield break;
            }

            foreach (var entry in page.Entries)
                if (pattern.Matches(entry.Key) && !IsFolderMarker(entry))
                    yield return (mount, entry.Key);
            if (!page.IsTruncated || page.Entries.IsEmpty)
                yield break;
            after = page.Entries[^1].ResumeAfter;
        }
    }

    /// <summary>Empty keys that end in a slash stand for folders in consoles; there is nothing to load.</summary>
    private static bool IsFolderMarker(ListEntry entry) => entry.SizeBytes == 0 && entry.Key.EndsWith('/');
}
