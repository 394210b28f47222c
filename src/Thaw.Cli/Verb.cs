using System.CommandLine;

namespace Thaw.Cli;

/// <summary>A verb: a command with examples.</summary>
internal sealed class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Lines that could be typed.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>What all verbs share: the terminal and the common options.</summary>
internal sealed class VerbHost
{
    private const string DefaultNode = "http://127.0.0.1:7401";

    /// <summary>Makes the common options; they belong to one command tree.</summary>
    public VerbHost(Terminal terminal) => Terminal = terminal;

    /// <summary>The outside.</summary>
    public Terminal Terminal { get; }

    /// <summary><c>--json</c>.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print one JSON object on stdout and nothing else",
        Recursive = true,
    };

    /// <summary><c>--node</c>.</summary>
    public Option<string?> Node { get; } = new("--node")
    {
        Description = $"Control URL of the node (THAW_NODE; default {DefaultNode})",
        HelpName = "URL",
        Recursive = true,
    };

    /// <summary><c>--token</c>.</summary>
    public Option<string?> Token { get; } = new("--token")
    {
        Description = "Token for the node's control endpoint (THAW_TOKEN)",
        HelpName = "TOKEN",
        Recursive = true,
    };

    /// <summary>Gives a verb that talks to a node its action.</summary>
    public void OnNode(Command verb, Func<ParseResult, NodeClient, CancellationToken, Task<int>> run) =>
        verb.SetAction(async (parse, cancellationToken) =>
        {
            var url = First(parse.GetValue(Node), Terminal.Variable("THAW_NODE")) ?? DefaultNode;
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                return Terminal.Fail(new CliFailure(ExitCode.Usage,
                    $"\"{url}\" is no node's URL; write one such as {DefaultNode} with --node or THAW_NODE."));
            using var client = new NodeClient(uri, First(parse.GetValue(Token), Terminal.Variable("THAW_TOKEN")));
            return await run(parse, client, cancellationToken);
        });

    private static string? First(string? written, string? variable) =>
        !string.IsNullOrEmpty(written) ? written : string.IsNullOrEmpty(variable) ? null : variable;
}
