using System.CommandLine;
using Thaw.Core.Api;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw load</c>.</summary>
internal static class LoadVerb
{
    public static Command Create(VerbHost host)
    {
        var paths = Paths.Argument("Objects, prefixes (trailing slash) or globs to load");
        var on = new Option<string>("--on")
        {
            Description = "Where to: all, owners, local, or a number of nodes",
            HelpName = "all|owners|local|N",
            DefaultValueFactory = _ => "all",
        };
        on.Validators.Add(result =>
        {
            var value = result.GetValueOrDefault<string>();
            if (value is not ("all" or "owners" or "local") && !(int.TryParse(value, out var nodes) && nodes > 0))
                result.AddError($"--on is \"{value}\"; write all, owners, local, or a number of nodes.");
        });
        var bandwidth = new Option<string?>("--bandwidth")
        {
            Description = "Most bytes a second from the origin",
            HelpName = "2GiB/s",
        };
        bandwidth.Validators.Add(result =>
        {
            if (ParseBandwidth(result.GetValueOrDefault<string?>()) is null)
                result.AddError("--bandwidth needs bytes a second, such as 2GiB/s.");
        });
        var wait = new Option<bool>("--wait") { Description = "Follow the job to its end (the default)" };
        var detach = new Option<bool>("--detach") { Description = "Return as soon as the job has started" };
        var cancel = new Option<bool>("--cancel-on-exit") { Description = "Ctrl-C cancels the job; else it goes on" };
        var verb = new Verb("load", "Brings objects into the cache; done when all is present and verified",
            "thaw load models/llama-70b/", "thaw load 'models/llama-*/**' --bandwidth 2GiB/s",
            "thaw load models/llama-70b/ --detach")
        {
            paths, on, bandwidth, wait, detach, cancel,
        };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(detach) && (result.GetValue(wait) || result.GetValue(cancel)))
                result.AddError("--detach does not go with --wait or --cancel-on-exit.");
        });
        host.OnNode(verb, (parse, client, cancellationToken) =>
        {
            var follower = new JobFollower(host.Terminal, client, parse.GetValue(host.Json))
            { CancelOnExit = parse.GetValue(cancel) };
            var request = new JobRequest(
                "load", [.. parse.GetRequiredValue(paths)], parse.GetRequiredValue(on),
                ParseBandwidth(parse.GetValue(bandwidth)));
            return follower.RunAsync(request, parse.GetValue(detach), cancellationToken);
        });
        return verb;
    }

    private static long? ParseBandwidth(string? text) =>
        text is not null && text.EndsWith("/s", StringComparison.Ordinal) && ByteSize.TryParse(text[..^2], out var size)
        && size.Bytes > 0 ? size.Bytes : null;
}
