using Thaw.Cache.Jobs;
using Thaw.Cache.Naming;
using Thaw.Core.Api;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;

namespace Thaw.Cache;

/// <summary>What is kept for certain and what goes now.</summary>
internal sealed class KeepControl(MountTable mounts, ChunkStore store, ObjectFinder finder)
{
    /// <summary>Drops the known versions at or below the paths; pinned ones and those in use are left.</summary>
    public async ValueTask<Result<FreeResult>> FreeAsync(PathsRequest request)
    {
        if (request.Paths.IsDefaultOrEmpty)
            return new Failure(FailureKind.InvalidRequest, "Name at least one path to free, such as models/llama/.");
        var result = new FreeResult(0, 0, 0, 0);
        var seen = new HashSet<ContentId>();
        foreach (var path in request.Paths)
        {
            if (!PathPattern.Parse(path).TryGet(out var pattern, out var invalid))
                return invalid;
            if (!mounts.TryGet(pattern.Path.Mount, out var mount, out var missing))
                return missing;
            foreach (var name in mount.Names.WithPrefix(pattern.Prefix))
                if (pattern.Matches(name.Key) && seen.Add(name.Version.Id))
                    result = await FreeAsync(name.Version.Id, result).ConfigureAwait(false);
        }

        return result;
    }

    /// <summary>
    /// Pins or unpins each object at or below the paths; a pin needs the object's version and asks for it.
    /// </summary>
    public async ValueTask<Result<PinResult>> SetPinAsync(
        PathsRequest request, bool pinned, CancellationToken cancellationToken)
    {
        if (request.Paths.IsDefaultOrEmpty)
            return new Failure(
                FailureKind.InvalidRequest, "Name at least one path to pin or unpin, such as models/llama/.");
        long objects = 0;
        long bytes = 0;
        foreach (var path in request.Paths)
        {
            var found = false;
            await foreach (var result in finder.FindAsync(path, cancellationToken).ConfigureAwait(false))
            {
                if (!result.TryGet(out var one, out var failure))
                    return failure;
                var resolved = await one.Mount.ResolveAsync(one.Key, cancellationToken).ConfigureAwait(false);
                if (!resolved.TryGet(out var version, out failure))
                    return failure;
                found = true;
                one.Mount.Names.SetPinned(one.Key, pinned);
                objects++;
                bytes += version.SizeBytes;
            }

            if (!found)
                return new Failure(FailureKind.NotFound, $"There is no object at {path}.");
        }

        store.NoteRules();
        return new PinResult(objects, bytes);
    }

    private async ValueTask<FreeResult> FreeAsync(ContentId id, FreeResult result)
    {
        if (store.PresentBytesOf(id) == 0)
        {
            // A load that got nowhere, or whose chunks went again, leaves a file without bytes.
            if (!store.IsInUse(id))
                await store.DropAsync(id).ConfigureAwait(false);
            return result;
        }

        if (mounts.IsPinned(id))
            return result with { Pinned = result.Pinned + 1 };
        return store.IsInUse(id)
            ? result with { InUse = result.InUse + 1 }
            : result with
            {
                Objects = result.Objects + 1,
                FreedBytes = result.FreedBytes + await store.DropAsync(id).ConfigureAwait(false),
            };
    }
}
