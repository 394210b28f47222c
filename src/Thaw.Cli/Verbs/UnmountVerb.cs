using System.CommandLine;
using Thaw.Core.Api;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw unmount</c>.</summary>
internal static class UnmountVerb
{
    public static Command Create(VerbHost host)
    {
        var directory = new Argument<string>("DIR") { Description = "Where the tree is mounted" };
        var verb = new Verb(
            "unmount", "Asks the node to unmount the tree; files that are open by passthrough go on working",
            "thaw unmount /mnt/thaw")
            { directory };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var request = new PosixRequest(Path.GetFullPath(parse.GetRequiredValue(directory)));
            var reply = await client.SetPosixAsync(request, mounted: false, cancellationToken);
            if (reply.Value is not { } status)
                return host.Terminal.Fail(reply.Failure!);
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(status, ApiJson.Default.PosixStatus);
            else
                host.Terminal.Out.WriteLine($"unmounted from {status.Path}.");
            return ExitCode.Done;
        });
        return verb;
    }
}
