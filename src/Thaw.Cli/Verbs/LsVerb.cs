using System.CommandLine;
using System.Globalization;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw ls</c>.</summary>
internal static class LsVerb
{
    public static Command Create(VerbHost host)
    {
        var path = Paths.Optional("An object, a prefix (trailing slash) or a glob; without it, the mounts");
        var verb = new Verb("ls", "Lists mounts, or objects with what of each is cached",
            "thaw ls", "thaw ls models/llama-70b/", "thaw ls models/ --json")
        {
            path,
        };
        host.OnNode(verb, (parse, client, cancellationToken) =>
        {
            var json = parse.GetValue(host.Json);
            return parse.GetValue(path) is { } written
                ? ListObjectsAsync(host.Terminal, client, written, json, cancellationToken)
                : ListMountsAsync(host.Terminal, client, json, cancellationToken);
        });
        return verb;
    }

    /// <summary>How much is cached, rounded down: 100 only when all is.</summary>
    internal static string Percent(ObjectStatus status) => status.SizeBytes == 0
        ? status.ContentId is null ? "0%" : "100%"
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(status.CachedBytes * 100m / status.SizeBytes):0}%");

    private static async Task<int> ListMountsAsync(
        Terminal terminal, NodeClient client, bool json, CancellationToken cancellationToken)
    {
        var reply = await client.GetMountsAsync(cancellationToken);
        if (reply.Value is not { } mounts)
            return terminal.Fail(reply.Failure!);
        if (json)
            terminal.WriteJson(new MountsReport(mounts), CliJson.Default.MountsReport);
        else
            terminal.WriteTable(["MOUNT", "ORIGIN", "OBJECTS", "CACHED", "FROM ORIGIN", "STATE"],
                mounts.Select(IReadOnlyList<string> (mount) =>
            [
                mount.Name, mount.Origin, mount.Objects.ToString(CultureInfo.InvariantCulture),
                new ByteSize(mount.CachedBytes).ToString(), new ByteSize(mount.OriginBytes).ToString(),
                mount.OriginReachable ? "ok" : "origin not reachable",
            ]), textColumns: 2);
        return ExitCode.Done;
    }

    private static async Task<int> ListObjectsAsync(
        Terminal terminal, NodeClient client, string path, bool json, CancellationToken cancellationToken)
    {
        var reply = await client.GetAllObjectsAsync(path, cancellationToken);
        if (reply.Value is not { } page)
            return terminal.Fail(reply.Failure!);
        if (page.Objects.IsEmpty && !path.EndsWith('/'))
            return terminal.Fail(new CliFailure(ExitCode.NotFound,
                $"nothing at {client.Node} matches {path}; a prefix ends in a slash."));
        if (json)
            terminal.WriteJson(page, ApiJson.Default.ObjectPage);
        else
            terminal.WriteTable(["OBJECT", "SIZE", "CACHED", "VERIFIED", "PINNED"],
                page.Objects.Select(IReadOnlyList<string> (status) =>
            [
                status.Path, new ByteSize(status.SizeBytes).ToString(), Percent(status), status.Verified,
                status.Pinned ? "yes" : "-",
            ]));
        if (page.Stale)
            terminal.Error.WriteLine("thaw: the origin does not answer; only objects that the node knows are listed.");
        return ExitCode.Done;
    }
}
