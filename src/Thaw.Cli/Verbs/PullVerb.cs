using System.CommandLine;
using Thaw.Cli.Pulling;
using Thaw.Core.Identity;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw pull</c>.</summary>
internal static class PullVerb
{
    public static Command Create(VerbHost host)
    {
        var path = Paths.Single("An object, a prefix (trailing slash) or a glob");
        var directory = new Argument<string>("DIR") { Description = "The directory to copy to, made if it is missing" };
        directory.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && File.Exists(token.Value))
                result.AddError($"\"{token.Value}\" is a file; name a directory to copy to.");
        });
        var verb = new Verb(
            "pull", "Copies objects to a directory at full speed, verified; run again, it goes on where it stopped",
            "thaw pull models/llama-70b/ ./llama-70b", "thaw pull models/llama-70b/config.json . --json")
        {
            path, directory,
        };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            if (!ObjectPath.TryParse(parse.GetRequiredValue(path), out var from))
                throw new InvalidOperationException("the parser lets only paths through");
            var json = parse.GetValue(host.Json);
            var reply = await new PullRun(host.Terminal, client, json)
                .RunAsync(from, parse.GetRequiredValue(directory), cancellationToken);
            return reply.Value is { } report ? Write(host.Terminal, report, json) : host.Terminal.Fail(reply.Failure!);
        });
        return verb;
    }

    private static int Write(Terminal terminal, PullReport report, bool json)
    {
        if (json)
            terminal.WriteJson(report, CliJson.Default.PullReport);
        else
            terminal.Out.WriteLine($"copied {report.Objects} objects, {new ByteSize(report.TotalBytes)} "
                + $"({new ByteSize(report.FetchedBytes)} fetched) in "
                + $"{Duration.Round(TimeSpan.FromSeconds(report.Seconds))}; "
                + $"{report.Verified} verified by a sum.");
        foreach (var sentence in report.Failed)
            terminal.Fail(new CliFailure(ExitCode.Failed, sentence));
        return report.Failed.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
