using System.Globalization;
using Microsoft.Extensions.Logging;
using Thaw.Cache.Fetching;
using Thaw.Cache.Verifying;
using Thaw.Core;
using Thaw.Core.Api;
using Thaw.Core.Failures;
using Thaw.Storage;

namespace Thaw.Cache.Jobs;

/// <summary>The jobs of this run. Owns their tasks and awaits them when it is disposed. Any thread.</summary>
internal sealed class JobTable : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(Job Job, Task Task)> _jobs = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly string _node;
    private readonly JobFanOut? _others;
    private readonly ChunkStore _store;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ObjectFinder _finder;
    private readonly LoadJob _load;
    private readonly VerifyJob _verify;

    public JobTable(
        string node, JobFanOut? others, ObjectFinder finder, ChunkStore store, FlightTable flights,
        VersionVerifier verifier, TimeProvider clock, ILogger<JobTable> logger)
    {
        (_node, _others, _finder, _store, _clock, _logger) = (node, others, finder, store, clock, logger);
        _load = new LoadJob(finder, store, flights, verifier, clock);
        _verify = new VerifyJob(finder, store, verifier);
    }

    public Result<JobStatus> Start(JobRequest request)
    {
        if ((Refuse(request) ?? request.Paths.Select(_finder.Refuse).FirstOrDefault(no => no is not null))
            is { } refused)
            return refused;
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
                return new Failure(FailureKind.Stopping, "The node is stopping; ask another one.");
            if (_jobs.Count(entry => !entry.Job.IsEnded) >= Limits.JobsKept)
                return new Failure(FailureKind.Busy,
                    $"{Limits.JobsKept} jobs are running; wait for some or cancel them.", RetryAdvice.Later);
            while (_jobs.Count >= Limits.JobsKept && _jobs.Last(entry => entry.Job.IsEnded) is var oldest)
            {
                oldest.Job.Dispose();
                _jobs.Remove(oldest);
            }

            var job = new Job(request, _node, _store, _clock, _stopping.Token);
            _jobs.AddFirst((job, Task.Run(() => RunAsync(job))));
            return job.ToStatus();
        }
    }

    public IReadOnlyList<JobStatus> GetAll()
    {
        lock (_gate)
            return [.. _jobs.Select(entry => entry.Job.ToStatus())];
    }

    public JobStatus? Get(string id) => Find(id)?.ToStatus();

    public JobStatus? Cancel(string id)
    {
        if (Find(id) is not { } job)
            return null;
        if (!job.IsEnded)
            job.Cancel();
        return job.ToStatus();
    }

    public async ValueTask DisposeAsync()
    {
        Task[] tasks;
        lock (_gate)
        {
            _stopping.Cancel();
            tasks = [.. _jobs.Select(entry => entry.Task)];
        }

        await Task.WhenAll(tasks).ConfigureAwait(false);
        foreach (var (job, _) in _jobs)
            job.Dispose();
        _stopping.Dispose();
    }

    private Failure? Refuse(JobRequest request)
    {
        var most = _others?.Nodes ?? 1;
        string? problem = null;
        if (request.Kind is not (JobKinds.Load or JobKinds.Verify))
            problem = $"A job's kind is load or verify, not \"{request.Kind}\".";
        else if (request.Paths.IsDefaultOrEmpty)
            problem = "A job needs at least one path, such as models/llama/.";
        else if (request.On == "owners" && most > 1)
            problem = "Jobs on the owners alone are not in this version yet; write all, local or a number of nodes.";
        else if (request.On is not ("all" or "local" or "owners")
            && !(int.TryParse(request.On, NumberStyles.None, CultureInfo.InvariantCulture, out var nodes)
                && nodes >= 1 && nodes <= most))
            problem = $"\"on\" is all, owners, local or a number of nodes, and this cluster has {most}; "
                + $"\"{request.On}\" is none of them.";
        else if (request.BandwidthBytesPerSecond is <= 0)
            problem = "A job's bandwidth is more than 0 bytes a second.";
        return problem is null ? null : new Failure(FailureKind.InvalidRequest, problem);
    }

    private Job? Find(string id)
    {
        lock (_gate)
            return _jobs.FirstOrDefault(entry => entry.Job.Id == id).Job;
    }

    private async Task RunAsync(Job job)
    {
        var cancelled = false;
        try
        {
            var nodes = _others is null
                ? [] : await _others.ChooseAsync(job.Request.On, job.Cancelled).ConfigureAwait(false);
            await Task.WhenAll(nodes
                .Select(node => _others!.RunAsync(job, node, nodes.Length + 1, job.Cancelled))
                .Append(job.Request.Kind == JobKinds.Load
                    ? _load.RunAsync(job, nodes.Length + 1) : _verify.RunAsync(job))).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancelled = true;
        }
        catch (Exception error)
        {
            Log.JobBroke(_logger, job.Id, error);
            job.Failed($"The job ended in an error of Thaw itself: {error.Message}");
        }

        job.End(cancelled || job.Cancelled.IsCancellationRequested);
    }
}
