using System.CommandLine;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw free</c>.</summary>
internal static class FreeVerb
{
    public static Command Create(VerbHost host)
    {
        var paths = Paths.Argument("Objects, prefixes (trailing slash) or globs to drop");
        var verb = new Verb("free", "Drops cached bytes now; pinned objects and those being read stay",
            "thaw free models/llama-7b/", "thaw free models/")
        {
            paths,
        };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var reply = await client.FreeAsync(new PathsRequest([.. parse.GetRequiredValue(paths)]), cancellationToken);
            if (reply.Value is not { } result)
                return host.Terminal.Fail(reply.Failure!);
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(result, ApiJson.Default.FreeResult);
            else
                host.Terminal.Out.WriteLine($"freed {result.Objects} objects, {new ByteSize(result.FreedBytes)}; "
                    + $"left {result.Pinned} pinned and {result.InUse} in use.");
            return ExitCode.Done;
        });
        return verb;
    }
}
