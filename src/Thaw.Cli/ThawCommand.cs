using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Thaw.Cli.Verbs;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli;

/// <summary>The command line as a whole.</summary>
internal static class ThawCommand
{
    /// <summary>Runs a command line; always an exit code, never an exception.</summary>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        var parse = Create(terminal).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Action is ParseErrorAction)
        {
            var line = string.Join(' ', parse.CommandResult.Command.Parents.Prepend(parse.CommandResult.Command)
                .Reverse().Select(command => command.Name));
            // Some messages of the parser are written over several lines.
            var wrong = string.Join(' ', parse.Errors.SelectMany(error => error.Message.Split(
                (char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
            return terminal.Fail(
                new CliFailure(ExitCode.Usage, $"{wrong} {DidYouMean(parse)}See \"{line} --help\"."));
        }

        try
        {
            return await parse.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.Out,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return terminal.Fail(new CliFailure(ExitCode.Failed, "stopped before it was done."));
        }
        catch (Exception exception)
        {
            // The last resort for bugs: a person reports the trace, a script sees the exit code.
            return terminal.Fail(new CliFailure(ExitCode.Failed, $"a bug in thaw; please report this: {exception}"));
        }
    }

    /// <summary>The tree of verbs.</summary>
    public static RootCommand Create(Terminal terminal)
    {
        var host = new VerbHost(terminal);
        var root = new RootCommand("Thaw keeps LLM model weights close to the GPUs that load them.")
        {
            ServeVerb.Create(host), LoadVerb.Create(host), LsVerb.Create(host), StatVerb.Create(host),
            PullVerb.Create(host), PinVerb.Create(host), UnpinVerb.Create(host), VerifyVerb.Create(host),
            FreeVerb.Create(host), JobsVerb.Create(host), NodesVerb.Create(host), ConfigVerb.Create(host),
            DemoVerb.Create(host), DoctorVerb.Create(host), MountVerb.Create(host),
            UnmountVerb.Create(host),
        };
        root.Add(host.Json);
        root.Add(host.Node);
        root.Add(host.Token);
        foreach (var help in root.Options.OfType<HelpOption>())
            help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    private static string DidYouMean(ParseResult parse) =>
        parse.UnmatchedTokens.FirstOrDefault() is { } written && NearestName.Find(
            written, parse.CommandResult.Command.Subcommands.Select(command => command.Name)) is { } near
            ? $"Did you mean \"{near}\"? "
            : "";

    /// <summary>The usual help, then the verb's examples.</summary>
    private sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var result = usual.Invoke(parseResult);
            if (parseResult.CommandResult.Command is not Verb { Examples: { Count: > 0 } examples })
                return result;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var example in examples)
                output.WriteLine($"  {example}");
            output.WriteLine();
            return result;
        }
    }
}
