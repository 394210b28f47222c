using System.CommandLine;
using Thaw.Core.Api;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw verify</c>.</summary>
internal static class VerifyVerb
{
    public static Command Create(VerbHost host)
    {
        var paths = Paths.Argument("Objects, prefixes (trailing slash) or globs to check");
        var verb = new Verb("verify", "Reads cached bytes and checks them against their sums",
            "thaw verify models/llama-70b/", "thaw verify models/llama-70b/ --json")
        {
            paths,
        };
        host.OnNode(verb, (parse, client, cancellationToken) =>
            new JobFollower(host.Terminal, client, parse.GetValue(host.Json)).RunAsync(
                new JobRequest("verify", [.. parse.GetRequiredValue(paths)]), detach: false, cancellationToken));
        return verb;
    }
}
