using System.CommandLine;
using Thaw.Cli.Demo;
using Thaw.Core.Units;

namespace Thaw.Cli.Verbs;

/// <summary><c>thaw demo</c>.</summary>
internal static class DemoVerb
{
    private const int MostShards = 1000;

    public static Command Create(VerbHost host)
    {
        var once = new Option<bool>("--once") { Description = "End after the measurement; all ports are free ones" };
        var model = new Option<string?>("--model")
        { Description = "Take this directory instead of a made model", HelpName = "DIR" };
        model.Validators.Add(result =>
        {
            if (!Directory.Exists(result.GetValueOrDefault<string?>()))
                result.AddError("--model needs a directory that exists.");
        });
        var size = new Option<string>("--size")
        { Description = "Size of the made model", DefaultValueFactory = _ => "2GiB" };
        size.Validators.Add(result =>
        {
            if (!ByteSize.TryParse(result.GetValueOrDefault<string>(), out var bytes)
                || bytes.Bytes is < 1 << 20 or > 1L << 40)
                result.AddError("--size needs a size from 1MiB to 1TiB, such as 2GiB.");
        });
        var shards =
            new Option<int>("--shards") { Description = "Files that it is cut into", DefaultValueFactory = _ => 8 };
        shards.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostShards)
                result.AddError($"--shards needs a number from 1 to {MostShards}.");
        });
        var verb = new Verb("demo", "Shows what Thaw does on this machine: a slow origin, three nodes, direct against "
            + "cold against warm",
            "thaw demo", "thaw demo --once --json", "thaw demo --model ./llama-7b",
            "thaw demo --size 512MiB --shards 4")
        {
            once, model, size, shards,
        };
        verb.SetAction((parse, cancellationToken) =>
        {
            ByteSize.TryParse(parse.GetRequiredValue(size), out var bytes);
            var directory = parse.GetValue(model);
            var modelBytes = directory is null ? bytes.Bytes
                : new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories)
                    .Sum(file => file.Length);
            var options = new DemoOptions(
                parse.GetValue(once), parse.GetValue(host.Json), directory, modelBytes, parse.GetValue(shards));
            return new DemoRun(host.Terminal, options).RunAsync(cancellationToken);
        });
        return verb;
    }
}
