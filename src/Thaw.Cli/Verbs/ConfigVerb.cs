using System.CommandLine;
using System.Text.RegularExpressions;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw config</c>.</summary>
internal static partial class ConfigVerb
{
    public static Command Create(VerbHost host) => new Verb("config", "Checks configuration files and explains options",
        "thaw config check thaw.yaml", "thaw config explain cache.memory")
    {
        CreateCheck(host), CreateExplain(host),
    };

    private static Verb CreateCheck(VerbHost host)
    {
        var file = new Argument<string>("FILE") { Description = "The configuration file" };
        var verb = new Verb("check", "Tells everything that is wrong with a file",
            "thaw config check thaw.yaml", "thaw config check thaw.yaml --json")
        {
            file,
        };
        verb.SetAction(async (parse, cancellationToken) =>
        {
            var path = parse.GetRequiredValue(file);
            var reading = await ConfigReader.ReadFileAsync(path, cancellationToken);
            var ok = reading.Config is not null;
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(
                    new CheckReport(path, ok,
                        [.. reading.Errors.Select(error => new CheckError(error.Line, error.Key, error.Sentence))]),
                    CliJson.Default.CheckReport);
            else if (ok)
                host.Terminal.Out.WriteLine(
                    $"{path} is a valid configuration with {reading.Config!.Mounts.Length} mounts.");
            else
                foreach (var error in reading.Errors)
                    host.Terminal.Error.WriteLine(error);
            return ok ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }

    private static Verb CreateExplain(VerbHost host)
    {
        var key = new Argument<string?>("KEY")
        { Description = "An option or a group; without it, all", Arity = ArgumentArity.ZeroOrOne };
        var verb = new Verb("explain", "Explains options: unit, default, bounds, reason, live or restart",
            "thaw config explain", "thaw config explain cache.memory", "thaw config explain mounts")
        {
            key,
        };
        verb.SetAction(parse =>
        {
            var written = parse.GetValue(key) ?? "";
            var rows = Find(written);
            if (rows.Count == 0)
                return host.Terminal.Fail(new CliFailure(ExitCode.NotFound, Unknown(written)));
            if (parse.GetValue(host.Json))
                host.Terminal.WriteJson(new OptionsReport([.. rows.Select(Report)]), CliJson.Default.OptionsReport);
            else
                foreach (var row in rows)
                    Write(host.Terminal.Out, row);
            return ExitCode.Done;
        });
        return verb;
    }

    // mounts.name and mounts[0].name mean mounts[].name.
    [GeneratedRegex(@"\[\d*\]")]
    private static partial Regex Position();

    private static string Plain(string key) => Position().Replace(key, "");

    private static List<OptionRow> Find(string written)
    {
        var plain = Plain(written);
        return [.. OptionTable.Rows.Where(row => written.Length == 0 || Plain(row.Key) == plain
            || Plain(row.Key).StartsWith(plain + ".", StringComparison.Ordinal))];
    }

    private static string Unknown(string written)
    {
        var planned = OptionTable.Planned.FirstOrDefault(row => Plain(row.Key) == Plain(written)
            || Plain(written).StartsWith(Plain(row.Key) + ".", StringComparison.Ordinal));
        if (planned is not null)
            return $"{written}: {planned.Subject} not in this version yet.";
        var near = NearestName.Find(Plain(written), OptionTable.Rows.Select(row => Plain(row.Key)));
        return near is null
            ? $"there is no option {written}; \"thaw config explain\" lists all."
            : $"there is no option {written}; did you mean {near}?";
    }

    private static OptionReport Report(OptionRow row) => new(
        row.Key, row.Kind.ToString().ToLowerInvariant(), row.Unit, row.Default, row.Required, row.Bounds, row.Reason,
        OptionReference.Change(row));

    private static void Write(TextWriter output, OptionRow row)
    {
        output.WriteLine(row.Key);
        output.WriteLine($"  {row.Reason}");
        output.WriteLine($"  default: {(row.Required ? "none, it is required" : row.Default)}");
        output.WriteLine($"  bounds:  {row.Bounds}");
        if (row.Unit.Length > 0)
            output.WriteLine($"  unit:    {row.Unit}");
        output.WriteLine($"  change:  {OptionReference.Change(row)}");
    }
}
