using System.Collections.Concurrent;
using System.Net;
using Thaw.Cli.Progress;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Identity;

namespace Thaw.Cli.Pulling;

/// <summary>What was copied.</summary>
/// <param name="Objects">Objects that are in the directory now.</param>
/// <param name="TotalBytes">Their size.</param>
/// <param name="FetchedBytes">Bytes read from the node in this run; the rest was there already.</param>
/// <param name="Verified">Objects whose bytes matched a sum; others have none that is known.</param>
/// <param name="Failed">One sentence for each object that is not there.</param>
/// <param name="Seconds">Time taken.</param>
internal sealed record PullReport(
    int Objects, long TotalBytes, long FetchedBytes, int Verified, IReadOnlyList<string> Failed, double Seconds);

/// <summary>Copies all objects that a path names into a directory.</summary>
internal sealed class PullRun(Terminal terminal, NodeClient client, bool json)
{
    private long _doneBytes;

    /// <summary>Copies; the report, or why nothing could be copied.</summary>
    public async Task<Reply<PullReport>> RunAsync(
        ObjectPath path, string directory, CancellationToken cancellationToken)
    {
        var started = terminal.Clock.GetTimestamp();
        var objects = await client.GetAllObjectsAsync(path.ToString(), cancellationToken);
        if (objects.Value is not { } page)
            return objects.Failure!;
        if (page.Objects.IsEmpty)
            return new CliFailure(ExitCode.NotFound,
                $"nothing at {client.Node} matches {path}; a prefix ends in a slash, "
                + $"and \"thaw ls {path.Mount}/\" lists what there is.");
        var bucket = await FindBucketAsync(path.Mount, cancellationToken);
        if (bucket.Value is null)
            return bucket.Failure!;
        var endpoint = await FindEndpointAsync(cancellationToken);
        if (endpoint.Value is null)
            return endpoint.Failure!;
        var (targets, refused) = Place(page, bucket.Value, path, Path.GetFullPath(directory));
        using var source = new S3Source(endpoint.Value, terminal.Clock);
        var outcomes = await CopyAsync(targets, source, cancellationToken);
        var failed =
            outcomes.Select(outcome => outcome.Failure).OfType<CliFailure>().Select(failure => failure.Sentence);
        var took = terminal.Clock.GetElapsedTime(started).TotalSeconds;
        return new PullReport(
            outcomes.Count(outcome => outcome.Failure is null),
            targets.Zip(outcomes).Where(pair => pair.Second.Failure is null).Sum(pair => pair.First.Status.SizeBytes),
            outcomes.Sum(outcome => outcome.FetchedBytes),
            outcomes.Count(outcome => outcome is { Failure: null, Sum: not "none" }), [.. refused, .. failed], took);
    }

    private async Task<Reply<string>> FindBucketAsync(string mount, CancellationToken cancellationToken)
    {
        var mounts = await client.GetMountsAsync(cancellationToken);
        if (mounts.Value is null)
            return mounts.Failure!;
        return mounts.Value.FirstOrDefault(candidate => candidate.Name == mount) is { } found
            ? found.Bucket : new CliFailure(
                ExitCode.NotFound, $"there is no mount {mount} at {client.Node}; \"thaw ls\" lists them.");
    }

    private async Task<Reply<Uri>> FindEndpointAsync(CancellationToken cancellationToken)
    {
        var stats = await client.GetStatsAsync(cancellationToken);
        if (stats.Value is null)
            return stats.Failure!;
        if (!Uri.TryCreate(stats.Value.S3Endpoint, UriKind.Absolute, out var endpoint))
            return new CliFailure(ExitCode.Failed,
                $"the node at {client.Node} does not name its S3 endpoint; use a node of this version.");
        // A node that listens everywhere is where its control endpoint is.
        return IPAddress.TryParse(endpoint.Host.Trim('[', ']'), out var address)
            && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? new UriBuilder(endpoint) { Host = client.Node.Host }.Uri : endpoint;
    }

    private static (List<PullTarget> Targets, List<string> Refused) Place(
        ObjectPage page, string bucket, ObjectPath path, string directory)
    {
        var targets = new List<PullTarget>();
        var refused = new List<string>();
        var root = PullPaths.Root(path.Key);
        foreach (var status in page.Objects)
        {
            var key = status.Path[(path.Mount.Length + 1)..];
            var (file, sentence) = PullPaths.Place(directory, root, key);
            if (file is null)
                refused.Add(sentence!);
            else
                targets.Add(new PullTarget(status, bucket, key, file));
        }

        return (targets, refused);
    }

    private async Task<PullOutcome[]> CopyAsync(List<PullTarget> targets, S3Source source,
    CancellationToken cancellationToken)
    {
        using var connections = new SemaphoreSlim(Limits.PullConnections);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var total = targets.Sum(target => target.Status.SizeBytes);
        var progress = ShowAsync(total, ended.Token);
        var outcomes = new ConcurrentDictionary<int, PullOutcome>();
        try
        {
            var options = new ParallelOptions
            { MaxDegreeOfParallelism = Limits.PullObjects, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(targets.Index(), options, async (indexed, token) =>
            {
                var (index, target) = indexed;
                var pull = new ObjectPull(target, source, connections, () => FindCrcAsync(target, token),
                    bytes => Interlocked.Add(ref _doneBytes, bytes));
                outcomes[index] = await pull.RunAsync(token);
            });
        }
        finally
        {
            await ended.CancelAsync();
            await progress;
        }

        return [.. Enumerable.Range(0, targets.Count).Select(index => outcomes[index])];
    }

    // The sum only if it is still the sum of the version that was copied.
    private async Task<string?> FindCrcAsync(PullTarget target, CancellationToken cancellationToken)
    {
        var reply = await client.GetObjectsAsync(target.Status.Path, null, cancellationToken);
        var now = reply.Value?.Objects.FirstOrDefault(candidate => candidate.Path == target.Status.Path);
        return now?.ETag == target.Status.ETag ? now.Crc32C : null;
    }

    private async Task ShowAsync(long totalBytes, CancellationToken ended)
    {
        var view = new ProgressView(terminal, "pull", json);
        while (!ended.IsCancellationRequested)
        {
            view.Show(Volatile.Read(ref _doneBytes), totalBytes, []);
            await Task.Delay(Limits.JobPoll, terminal.Clock, ended)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        view.Show(Volatile.Read(ref _doneBytes), totalBytes, []);
        view.End();
    }
}
