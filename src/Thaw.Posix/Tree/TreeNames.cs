using System.Text;
using Thaw.Core;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;

namespace Thaw.Posix.Tree;

/// <summary>
/// What is under a name: asks the cache for the key and for anything below it at once. Where both exist the folder wins
/// and the file is hidden. While the origin is silent, whichever of both is known answers: a file that is cached is not
/// kept from its readers by the question whether it has become a folder.
/// </summary>
internal sealed class TreeNames(IModelReader models, TimeProvider clock)
{
    private const string Delimiter = "/";

    /// <summary>How long the names of a mount may be believed.</summary>
    public TimeSpan ValidOf(string mount) =>
        models.TryFindMount(mount, out var known) && known.Revalidate is { } revalidate
            && revalidate < Limits.PosixNameValid
            ? revalidate
            : Limits.PosixNameValid;

    /// <summary>The mounts: what the root holds.</summary>
    public IEnumerable<Found> Mounts => models.Mounts.Select(mount => Found.Folder(mount.Name));

    /// <summary>Whether a mount has this name.</summary>
    public bool IsMount(string name) => models.Mounts.Any(mount => mount.Name == name);

    /// <summary>What a folder holds under a name, or null.</summary>
    public async Task<Result<Found?>> FindAsync(Node folder, string name, CancellationToken cancellationToken)
    {
        var (mount, prefix) = folder.Locate();
        if (mount.Length == 0)
            return IsMount(name) ? Found.Folder(name) : (Found?)null;
        var key = prefix + name;
        if (!FileNames.IsPossible(name) || Encoding.UTF8.GetByteCount(key) > Limits.KeyBytes)
            return (Found?)null;
        // Whoever needs no further answer stops waiting for it.
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var asked = models.ResolveAsync(new ObjectPath(mount, key), enough.Token).AsTask();
        var below = HasBelowAsync(mount, key, enough.Token);
        try
        {
            return await DecideAsync(name, asked, below, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await enough.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(asked, below)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Result<Found?>> DecideAsync(
        string name, Task<Result<ObjectVersion>> asked, Task<Result<bool>> below, CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(asked, below).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (first == asked && (await asked.ConfigureAwait(false)).TryGet(out var known, out _)
            && !await EndsAsync(below, Limits.RevalidateAnswer, cancellationToken).ConfigureAwait(false))
            return FileOf(name, known);
        var listed = await below.ConfigureAwait(false);
        if (listed.TryGet(out var isFolder, out var failure) && isFolder)
            return Found.Folder(name);
        var resolved = await asked.ConfigureAwait(false);
        if (resolved.TryGet(out var version, out var missing))
            return FileOf(name, version);
        return missing.Kind == FailureKind.NotFound ? failure is null ? (Found?)null : failure : missing;
    }

    private async Task<bool> EndsAsync(Task task, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(limit, clock, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false; // which is the answer
        }
    }

    /// <summary>The present version of a file.</summary>
    public ValueTask<Result<ObjectVersion>> ResolveAsync(Node file, CancellationToken cancellationToken)
    {
        var (mount, key) = file.Locate();
        return models.ResolveAsync(new ObjectPath(mount, key), cancellationToken);
    }

    /// <summary>One page of a folder in the order of keys, without what the tree cannot show.</summary>
    public async Task<Result<FolderPage>> ListAsync(
        string mount, string prefix, string after, CancellationToken cancellationToken)
    {
        var listed = await models.ListAsync(
            mount, new ListRequest(prefix, Delimiter, after, Limits.ListPageKeys), cancellationToken)
            .ConfigureAwait(false);
        if (!listed.TryGet(out var page, out var failure))
            return failure;
        var names = new List<Found>(page.Entries.Length);
        var hidden = 0;
        var folders = page.Entries.Where(entry => entry.IsCommonPrefix)
            .Select(entry => entry.Key[prefix.Length..^1]).ToHashSet(StringComparer.Ordinal);
        var last = page.Entries.IsEmpty ? "" : page.Entries[^1].Key;
        foreach (var entry in page.Entries)
        {
            var name = entry.IsCommonPrefix ? entry.Key[prefix.Length..^1] : entry.Key[prefix.Length..];
            if (!entry.IsCommonPrefix && name.Length == 0)
                continue; // the marker of this folder itself
            var isShown = FileNames.IsPossible(name)
                && (entry.IsCommonPrefix || !folders.Contains(name))
                && (entry.IsCommonPrefix || !page.IsTruncated || !last.StartsWith(entry.Key, StringComparison.Ordinal)
                    || !(await HasBelowAsync(mount, entry.Key, cancellationToken).ConfigureAwait(false))
                        .ValueOrDefault);
            if (!isShown)
                hidden++;
            else if (entry.IsCommonPrefix)
                names.Add(Found.Folder(name));
            else
                names.Add(new Found(
                    name, false, entry.SizeBytes, entry.LastModified, FileNames.StampOf(entry.ETag, entry.SizeBytes)));
        }

        return new FolderPage(names, hidden, page.IsTruncated ? page.Entries[^1].ResumeAfter : null);
    }

    /// <summary>A version as a look-up finds it.</summary>
    public static Found FileOf(string name, ObjectVersion version) => new(
        name, false, version.SizeBytes, version.LastModified, FileNames.StampOf(version.ETag, version.SizeBytes));

    private async Task<Result<bool>> HasBelowAsync(string mount, string key, CancellationToken cancellationToken)
    {
        var listed = await models.ListAsync(
            mount, new ListRequest(key + Delimiter, null, "", 1), cancellationToken).ConfigureAwait(false);
        return listed.TryGet(out var page, out var failure) ? !page.Entries.IsEmpty : failure;
    }
}

/// <summary>A part of a folder's listing.</summary>
/// <param name="Names">What it holds.</param>
/// <param name="Hidden">How many keys of this part have no name in the tree.</param>
/// <param name="After">Where the next part begins, or null at the end.</param>
internal sealed record FolderPage(List<Found> Names, int Hidden, string? After);
