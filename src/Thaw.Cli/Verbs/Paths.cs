using System.CommandLine;
using Thaw.Core.Identity;

namespace Thaw.Cli.Verbs;

/// <summary>Arguments that name objects.</summary>
internal static class Paths
{
    /// <summary>One path or more.</summary>
    public static Argument<string[]> Argument(string description)
    {
        var argument = new Argument<string[]>("PATH") { Description = description, Arity = ArgumentArity.OneOrMore };
        argument.Validators.Add(result => Check(result.Tokens.Select(token => token.Value), result.AddError));
        return argument;
    }

    /// <summary>Exactly one path.</summary>
    public static Argument<string> Single(string description)
    {
        var argument = new Argument<string>("PATH") { Description = description };
        argument.Validators.Add(result => Check(result.Tokens.Select(token => token.Value), result.AddError));
        return argument;
    }

    /// <summary>One path, or none.</summary>
    public static Argument<string?> Optional(string description)
    {
        var argument = new Argument<string?>("PATH")
        {
            Description = description,
            Arity = ArgumentArity.ZeroOrOne,
        };
        argument.Validators.Add(result => Check(result.Tokens.Select(token => token.Value), result.AddError));
        return argument;
    }

    private static void Check(IEnumerable<string> paths, Action<string> report)
    {
        // The parser takes an option that it does not know for an argument; no mount begins with a dash.
        foreach (var path in paths)
            if (path.StartsWith('-'))
                report($"There is no option \"{path}\" here.");
            else if (!ObjectPath.TryParse(path, out _))
                report($"\"{path}\" is no path; write mount/key, such as models/llama-70b/.");
    }
}
