using System.CommandLine;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw pin</c>.</summary>
internal static class PinVerb
{
    public static Command Create(VerbHost host)
    {
        var paths = Paths.Argument("Objects, prefixes (trailing slash) or globs");
        var verb = new Verb("pin", "Keeps objects for certain: they are never evicted", "thaw pin models/llama-70b/")
            { paths };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var request = new PathsRequest([.. parse.GetRequiredValue(paths)]);
            var reply = await client.SetPinAsync(request, pinned: true, cancellationToken);
            if (reply.Value is not { } result)
                return host.Terminal.Fail(reply.Failure!);
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(result, ApiJson.Default.PinResult);
            else
                host.Terminal.Out.WriteLine($"pinned {result.Objects} objects, {new ByteSize(result.Bytes)}.");
            return ExitCode.Done;
        });
        return verb;
    }
}
