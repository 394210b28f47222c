using System.CommandLine;
using System.Globalization;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw jobs</c>.</summary>
internal static class JobsVerb
{
    public static Command Create(VerbHost host)
    {
        var id = new Argument<string?>("ID")
        { Description = "One job; without it, all", Arity = ArgumentArity.ZeroOrOne };
        var verb = new Verb("jobs", "Lists jobs, newest first, or cancels one",
            "thaw jobs", "thaw jobs 7f3a", "thaw jobs cancel 7f3a")
        {
            id, CreateCancel(host),
        };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var json = parse.GetValue(host.Json);
            if (parse.GetValue(id) is { } one)
                return Write(host.Terminal, await client.GetJobAsync(one, cancellationToken), json);
            var reply = await client.GetJobsAsync(cancellationToken);
            if (reply.Value is not { } jobs)
                return host.Terminal.Fail(reply.Failure!);
            if (json)
                host.Terminal.WriteJson(new JobsReport(jobs), CliJson.Default.JobsReport);
            else
                WriteTable(host.Terminal, jobs);
            return ExitCode.Done;
        });
        return verb;
    }

    private static Command CreateCancel(VerbHost host)
    {
        var id = new Argument<string>("ID") { Description = "The job" };
        var verb = new Verb("cancel", "Cancels a job; what is loaded stays", "thaw jobs cancel 7f3a") { id };
        host.OnNode(verb, async (parse, client, cancellationToken) => Write(
            host.Terminal, await client.CancelJobAsync(parse.GetRequiredValue(id), cancellationToken),
            parse.GetValue(host.Json)));
        return verb;
    }

    private static int Write(Terminal terminal, Reply<JobStatus> reply, bool json)
    {
        if (reply.Value is not { } job)
            return terminal.Fail(reply.Failure!);
        if (json)
            terminal.WriteJson(job, ApiJson.Default.JobStatus);
        else
        {
            WriteTable(terminal, [job]);
            foreach (var error in job.Errors)
                terminal.Out.WriteLine($"  {error}");
        }

        return ExitCode.Done;
    }

    private static void WriteTable(Terminal terminal, IEnumerable<JobStatus> jobs) => terminal.WriteTable(
        ["ID", "KIND", "STATE", "PATHS", "OBJECTS", "DONE", "OF", "STARTED"], jobs.Select(IReadOnlyList<string> (job) =>
        [
            job.Id, job.Kind, job.State, string.Join(' ', job.Paths),
            string.Create(CultureInfo.InvariantCulture, $"{job.VerifiedObjects}/{job.Objects}"),
            new ByteSize(job.PresentBytes).ToString(), new ByteSize(job.TotalBytes).ToString(),
            job.StartedAt.ToString("u", CultureInfo.InvariantCulture),
        ]), textColumns: 4);
}
