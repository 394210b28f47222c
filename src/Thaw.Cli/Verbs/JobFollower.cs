using Thaw.Cli.Progress;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary>Starts a job and follows it to its end.</summary>
internal sealed class JobFollower(Terminal terminal, NodeClient client, bool json)
{
    /// <summary>The job goes on when the follower is stopped, unless this is set.</summary>
    public bool CancelOnExit { get; init; }

    /// <summary>Starts the job; its end decides the exit code.</summary>
    public async Task<int> RunAsync(JobRequest request, bool detach, CancellationToken cancellationToken)
    {
        var started = await client.StartJobAsync(request, cancellationToken);
        if (started.Value is not { } job)
            return terminal.Fail(started.Failure!);
        if (detach)
        {
            Write(job, $"job {job.Id} is under way; see \"thaw jobs {job.Id}\".");
            return ExitCode.Done;
        }

        try
        {
            return await FollowAsync(job, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return await LeaveAsync(job);
        }
    }

    private async Task<int> FollowAsync(JobStatus job, CancellationToken cancellationToken)
    {
        var view = new ProgressView(terminal, job.Kind, json);
        while (true)
        {
            view.Show(job.PresentBytes, job.TotalBytes,
                [.. job.Nodes.Select(node => new PlaceProgress(node.Node, node.PresentBytes, node.TotalBytes))]);
            if (job.State != "running")
                break;
            await Task.Delay(Limits.JobPoll, terminal.Clock, cancellationToken);
            var reply = await client.GetJobAsync(job.Id, cancellationToken);
            if (reply.Value is null)
                return terminal.Fail(reply.Failure!);
            job = reply.Value;
        }

        view.End();
        return Judge(job);
    }

    private int Judge(JobStatus job)
    {
        var took = job.EndedAt is { } ended ? $" in {Duration.Round(ended - job.StartedAt)}" : "";
        var verb = job.Kind == "verify" ? "checked" : "loaded";
        Write(job, $"{job.State}: {job.VerifiedObjects} of {job.Objects} objects verified, "
            + $"{new ByteSize(job.PresentBytes)} of {new ByteSize(job.TotalBytes)} {verb}{took}.");
        foreach (var error in job.Errors)
            terminal.Error.WriteLine($"thaw: {error}");
        if (job.State == "done" && job.VerifiedObjects == job.Objects && job.BadBlocks == 0 && job.Errors.IsEmpty)
            return ExitCode.Done;
        // Nothing was found: the job's own sentences say it all.
        if (job is { State: "failed", Objects: 0, Errors.IsEmpty: false })
            return ExitCode.Failed;
        var bad = job.BadBlocks > 0 ? $", {job.BadBlocks} bad blocks" : "";
        return terminal.Fail(new CliFailure(ExitCode.Failed,
            $"{job.Kind} job {job.Id} on {client.Node} is {job.State} with {job.Objects - job.VerifiedObjects} objects "
                + $"not verified{bad}; "
            + "run it again, or look at the node's log."));
    }

    private async Task<int> LeaveAsync(JobStatus job)
    {
        if (!CancelOnExit)
            return terminal.Fail(new CliFailure(ExitCode.Failed,
                $"job {job.Id} goes on without you; see \"thaw jobs {job.Id}\", or end it with \"thaw jobs cancel "
                    + $"{job.Id}\"."));
        using var limit = new CancellationTokenSource(Limits.OriginConnect, terminal.Clock);
        var reply = await client.CancelJobAsync(job.Id, limit.Token);
        return terminal.Fail(
            reply.Failure ?? new CliFailure(ExitCode.Failed, $"job {job.Id} is cancelled; what is loaded stays."));
    }

    private void Write(JobStatus job, string sentence)
    {
        if (json)
            terminal.WriteJson(job, ApiJson.Default.JobStatus);
        else
            terminal.Out.WriteLine(sentence);
    }
}
