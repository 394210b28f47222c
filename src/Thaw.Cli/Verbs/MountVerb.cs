using System.CommandLine;
using Thaw.Core.Api;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw mount</c>.</summary>
internal static class MountVerb
{
    public static Command Create(VerbHost host)
    {
        var directory = new Argument<string>("DIR") { Description = "An empty directory, or one that does not exist" };
        var verb = new Verb(
            "mount", "Asks the node to mount the tree of models at a directory of its host", "thaw mount /mnt/thaw")
            { directory };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var request = new PosixRequest(Path.GetFullPath(parse.GetRequiredValue(directory)));
            var reply = await client.SetPosixAsync(request, mounted: true, cancellationToken);
            if (reply.Value is not { } status)
                return host.Terminal.Fail(reply.Failure!);
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(status, ApiJson.Default.PosixStatus);
            else
                host.Terminal.Out.WriteLine(status.Passthrough
                    ? $"mounted at {status.Path}: whole files are read at the speed of the disk."
                    : $"mounted at {status.Path} without passthrough; \"thaw doctor\" says why.");
            return ExitCode.Done;
        });
        return verb;
    }
}
