using System.Collections;
using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Thaw.Daemon.Configuration;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw serve</c>.</summary>
internal static class ServeVerb
{
    /// <summary>
    /// Ends the node when its standard input closes, so that it dies with the process that started it.
    /// </summary>
    public const string UntilStdinCloses = "--until-stdin-closes";

    private static readonly string[] Levels = ["trace", "debug", "information", "warning", "error", "critical", "none"];

    public static Command Create(VerbHost host)
    {
        var config = new Option<string?>("--config")
        {
            Description = "Configuration file; without one, mounts come from THAW_ORIGIN_NAME=URL "
                + "and the cache is ~/.cache/thaw with 80 % of the free disk",
            HelpName = "FILE",
        };
        var level = new Option<string>("--log-level")
        {
            Description = "Least severe messages to log on stderr",
            DefaultValueFactory = _ => "information",
        };
        level.AcceptOnlyFromAmong(Levels);
        var stdin = new Option<bool>(UntilStdinCloses) { Hidden = true };
        var verb = new Verb(
            "serve", "Runs a node in the foreground; SIGTERM drains it, SIGHUP reloads its configuration",
            "thaw serve --config thaw.yaml", "THAW_ORIGIN_MODELS=s3://acme-models/prod thaw serve")
        {
            config, level, stdin,
        };
        verb.SetAction(async (parse, cancellationToken) =>
        {
            var file = parse.GetValue(config);
            var reading = file is null
                ? EnvironmentConfig.Read(Variables(), Environment.GetEnvironmentVariable("HOME"))
                : await ConfigReader.ReadFileAsync(file, cancellationToken);
            if (reading.Config is null)
            {
                foreach (var error in reading.Errors)
                    host.Terminal.Error.WriteLine($"thaw: {error}");
                return ExitCode.Failed;
            }

            using var loggers = CreateLoggers(Enum.Parse<LogLevel>(parse.GetRequiredValue(level), ignoreCase: true));
            var run = new ServeRun(host.Terminal, loggers, file, parse.GetValue(host.Json));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var parent = parse.GetValue(stdin) ? StopAtEndAsync(stop) : Task.CompletedTask;
            var exitCode = await run.RunAsync(reading.Config, stop.Token);
            if (parent.IsCompleted)
                await parent;
            return exitCode;
        });
        return verb;
    }

    private static async Task StopAtEndAsync(CancellationTokenSource stop)
    {
        await Task.Yield();
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[64];
        while (await input.ReadAsync(buffer, stop.Token) > 0)
        {
        }

        await stop.CancelAsync();
    }

    private static ILoggerFactory CreateLoggers(LogLevel level) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(level).AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            options.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        // Standard output is for results.
        builder.Services.Configure<ConsoleLoggerOptions>(options =>
            options.LogToStandardErrorThreshold = LogLevel.Trace);
        // A port in use is told in one sentence by the verb; the host would log it with its trace.
        builder.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        if (level >= LogLevel.Information)
            builder.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
    });

    internal static Dictionary<string, string> Variables() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);
}
