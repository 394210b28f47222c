using System.Collections.Immutable;
using System.Globalization;
using Thaw.Cache.Peering;
using Thaw.Core;
using Thaw.Core.Failures;

namespace Thaw.Cache.Jobs;

/// <summary>
/// The part of a job that other nodes run: starts it there, follows it and cancels it with the job. A node that goes
/// away fails its part. Called by the task of the job.
/// </summary>
internal sealed class JobFanOut(PeerCalls calls, TimeProvider clock)
{
    /// <summary>Nodes of the cluster, this one included.</summary>
    public int Nodes => calls.Others.Length + 1;

    /// <summary>The other nodes that a job runs on; this one always has a part.</summary>
    public async Task<ImmutableArray<string>> ChooseAsync(string on, CancellationToken cancellationToken)
    {
        if (on == "all")
            return calls.Others;
        if (!int.TryParse(on, NumberStyles.None, CultureInfo.InvariantCulture, out var nodes) || nodes <= 1)
            return [];
        var loads = await Task.WhenAll(calls.Others.Select(async node =>
            (Node: node, Stats: await calls.GetStatsAsync(node, cancellationToken).ConfigureAwait(false))))
            .ConfigureAwait(false);
        return [.. loads.OrderBy(one => one.Stats.ValueOrDefault?.InFlight.Chunks ?? long.MaxValue)
            .ThenBy(one => one.Node, StringComparer.Ordinal).Take(nodes - 1).Select(one => one.Node)];
    }

    /// <summary>Runs the job's part on another node to its end.</summary>
    public async Task RunAsync(Job job, string node, int parts, CancellationToken cancellationToken)
    {
        var request = job.Request with
        {
            On = "local",
            BandwidthBytesPerSecond =
                job.Request.BandwidthBytesPerSecond is { } rate ? Math.Max(1, rate / parts) : null,
        };
        var started = await calls.StartJobAsync(node, request, cancellationToken).ConfigureAwait(false);
        if (!started.TryGet(out var status, out var failure))
        {
            job.Failed($"{node}: {failure.Message}");
            return;
        }

        try
        {
            var missed = 0;
            while (true)
            {
                job.Follow(node, status);
                if (status.State != JobStates.Running)
                    break;
                await Task.Delay(Limits.JobPoll, clock, cancellationToken).ConfigureAwait(false);
                var asked = await calls.GetJobAsync(node, status.Id, cancellationToken).ConfigureAwait(false);
                if (asked.TryGet(out var next, out failure))
                    (status, missed) = (next, 0);
                else if (failure.Kind == FailureKind.NotFound || ++missed == Limits.JobPollsMissed)
                {
                    job.Failed($"{node} does not run its part any more: {failure.Message}");
                    return;
                }
            }

            foreach (var error in status.Errors)
                job.Failed($"{node}: {error}");
        }
        catch (OperationCanceledException)
        {
            using var limit = new CancellationTokenSource(Limits.JobPoll * 4);
            await ((Task)calls.CancelJobAsync(node, status.Id, limit.Token))
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }
}
