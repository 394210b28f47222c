using Thaw.Cache.Fetching;
using Thaw.Cache.Naming;
using Thaw.Cache.Verifying;
using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Versions;

namespace Thaw.Cache.Jobs;

/// <summary>
/// Reads every cached block of the objects and checks it; then the whole against the origin's sum. A bad chunk is
/// dropped, so that the next reader fetches it again.
/// </summary>
internal sealed class VerifyJob(ObjectFinder finder, ChunkStore store, VersionVerifier verifier)
{
    private const int ReadBytes = 1 << 20;

    public async Task RunAsync(Job job)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(ReadBytes, pinned: true);
        foreach (var path in job.Request.Paths)
        {
            var found = false;
            await foreach (var result in finder.FindAsync(path, job.Cancelled).ConfigureAwait(false))
            {
                if (result.TryGet(out var one, out var failure))
                    found |= await VerifyAsync(job, one.Mount, one.Key, buffer).ConfigureAwait(false);
                else
                    job.Failed(failure.Message);
            }

            if (!found && !job.IsEnded)
                job.Failed($"Nothing of {path} is cached on this node; load it first.");
        }
    }

    private async Task<bool> VerifyAsync(Job job, MountCatalog mount, string key, byte[] buffer)
    {
        if (!mount.Names.TryGet(key, out var known))
            return false;
        using var lease = await store.LeaseAsync(known.Version.Id, job.Cancelled).ConfigureAwait(false);
        if (lease is null)
            return known.Version.SizeBytes == 0;
        job.Found(known.Version);
        var bad = 0;
        for (var chunk = 0; chunk < lease.Version.ChunkCount; chunk++)
            bad += await CheckChunkAsync(job, lease.Version, chunk, buffer).ConfigureAwait(false) ? 0 : 1;
        var name = new ObjectPath(mount.Config.Name, key);
        if (bad > 0)
            job.Failed($"{name}: {bad} chunks were bad and are dropped; the next load or reader fetches them again.");
        else if (!lease.Version.IsComplete)
            job.Failed($"{name}: {lease.Version.PresentBytes} of {lease.Version.SizeBytes} bytes are here and good; "
                + "load it to have all.");
        else if (!await verifier.WaitAsync(
            new FetchSource(mount, key, known.Version), untilOrigin: true, job.Cancelled).ConfigureAwait(false))
            job.Failed($"{name} does not match the origin's sum and is dropped; load it again.");
        else
            job.Verified(known.Version);
        return true;
    }

    private static async Task<bool> CheckChunkAsync(Job job, VersionFile version, int chunk, byte[] buffer)
    {
        var range = ByteRange.OfChunk(version.SizeBytes, chunk);
        for (var offset = range.Start; offset < range.End;)
        {
            var most = (int)Math.Min(buffer.Length, range.End - offset);
            var read = await version.ReadAsync(offset, buffer.AsMemory(0, most), job.Cancelled).ConfigureAwait(false);
            if (read.Kind == ReadKind.Miss)
                return true;
            if (read.Kind == ReadKind.Bad)
            {
                job.FoundBadBlock();
                return false;
            }

            job.Checked(read.Bytes);
            offset += read.Bytes;
        }

        return true;
    }
}
