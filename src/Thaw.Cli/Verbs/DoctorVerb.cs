using System.CommandLine;
using Thaw.Cli.Support;
using Thaw.Daemon.Checks;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw doctor</c>.</summary>
internal static class DoctorVerb
{
    /// <summary>Name of the checks of the configuration itself.</summary>
    public const string ConfigCheck = "config";

    private const string NoMounts = "mounts";

    public static Command Create(VerbHost host)
    {
        var config = new Option<string?>("--config")
        {
            Description = "Configuration file; without one, as \"thaw serve\" without one",
            HelpName = "FILE",
        };
        var bundle = new Option<string?>("--bundle")
        {
            Description = "Write a support bundle (tar.gz) without secrets",
            HelpName = "FILE",
        };
        var verb = new Verb("doctor", "Checks host, disks and origins, with advice; writes a support bundle",
            "thaw doctor --config /etc/thaw/thaw.yaml", "thaw doctor --config thaw.yaml --bundle support.tar.gz",
            "thaw doctor --json")
        {
            config, bundle,
        };
        host.OnNode(verb, async (parse, client, cancellationToken) =>
        {
            var file = parse.GetValue(config);
            var terminal = host.Terminal;
            var json = parse.GetValue(host.Json);
            var reading = file is null
                ? EnvironmentConfig.Read(ServeVerb.Variables(), Environment.GetEnvironmentVariable("HOME"))
                : await ConfigReader.ReadFileAsync(file, cancellationToken);
            var checks = new List<Check>();
            void Add(Check check)
            {
                checks.Add(check);
                if (!json)
                    Write(terminal, check);
            }

            foreach (var check in OfConfig(file, reading))
                Add(check);
            await new Doctor(terminal.Clock).RunAsync(reading.Config, Add, cancellationToken);
            var report = new DoctorReport(checks.TrueForAll(check => check.State != CheckState.Fail), checks);
            if (parse.GetValue(bundle) is { } target)
            {
                if (await WriteBundleAsync(terminal, report, reading, client, target, cancellationToken) is { } failure)
                    return terminal.Fail(failure);
                terminal.Error.WriteLine($"{target} is written; look through it before you send it.");
            }

            if (json)
                terminal.WriteJson(report, CliJson.Default.DoctorReport);
            else
                terminal.Out.WriteLine(Summary(checks));
            return report.Ok ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }

    private static async Task<CliFailure?> WriteBundleAsync(
        Terminal terminal, DoctorReport report, ConfigReading reading, NodeClient client, string target,
        CancellationToken cancellationToken)
    {
        var archive = new SupportBundle(terminal.Clock);
        archive.Add(report);
        archive.Add(reading);
        await archive.AddNodeAsync(client, cancellationToken);
        return await archive.WriteAsync(target, cancellationToken);
    }

    private static IEnumerable<Check> OfConfig(string? file, ConfigReading reading)
    {
        const string name = ConfigCheck;
        if (reading.Config is not null)
            return [new Check(name, CheckState.Ok, file ?? "environment",
                $"valid, {reading.Config.Mounts.Length} mounts", "")];
        // A host may be looked at before anything is configured on it.
        if (file is null && reading.Errors.Length == 1 && reading.Errors[0].Key == NoMounts)
            return
            [
                new Check(name, CheckState.Warn, "environment", "no mounts: only the host is checked",
                    "name a file with --config to check disks and origins too."),
            ];
        return reading.Errors.Select(error =>
            new Check(name, CheckState.Fail, error.Line > 0 ? $"{error.File}:{error.Line}" : error.File,
                $"{error.Key}: {error.Sentence.TrimEnd('.')}", "mend it: the node does not start with it."));
    }

    private static void Write(Terminal terminal, Check check)
    {
        var advice = check.Advice.Length == 0 ? "" : $"; {check.Advice}";
        terminal.Out.WriteLine(
            $"{check.State.ToString().ToLowerInvariant(),-4}  {check.Name,-12}  {check.Where}: {check.Found}{advice}");
    }

    private static string Summary(List<Check> checks) =>
        $"{checks.Count} checks: {checks.Count(check => check.State == CheckState.Ok)} ok, "
        + $"{checks.Count(check => check.State == CheckState.Warn)} to look at, "
        + $"{checks.Count(check => check.State == CheckState.Fail)} failed.";
}
