using System.CommandLine;
using System.Reflection;
using System.Text.RegularExpressions;
using Thaw.Cli;
using Thaw.Tests.Cli;
using Xunit;

namespace Thaw.Tests.Contract;

/// <summary>The command line is the one that was promised.</summary>
public sealed partial class VerbContractTests
{
    private static readonly RootCommand Root =
        ThawCommand.Create(new Terminal { Out = TextWriter.Null, Error = TextWriter.Null });

    public static TheoryData<string> Verbs { get; } = [.. Promised.Verbs];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task A_promised_verb_has_its_arguments_and_options_in_the_help(string line)
    {
        var name = Name(line);
        var command = Find(name);
        if (Promised.VerbsToCome.Contains(name))
        {
            Assert.True(command is null, $"\"{name}\" is built: take it out of {nameof(Promised.VerbsToCome)}.");
            return;
        }

        Assert.True(command is not null, $"there is no verb \"{name}\".");
        var help = (await CliRun.ExecuteAsync([.. name.Split(' '), "--help"])).Out;
        Assert.Equal(
            Argument().Matches(line[name.Length..]).Select(match => match.Value),
            command.Arguments.Select(Written));
        foreach (var (option, value) in Option().Matches(line).Select(match =>
            (match.Groups["name"].Value, match.Groups["value"].Value)))
        {
            var written = value.Length == 0 ? option : $"{option} <{value}>";
            Assert.Contains($"\n  {written} ", help, StringComparison.Ordinal);
        }

        Assert.All(Promised.CommonOptions, option => Assert.Contains($"\n  {option}", help, StringComparison.Ordinal));
    }

    [Fact]
    public void No_verb_is_there_that_was_not_promised()
    {
        string[] more = ["jobs cancel"];
        var built = Root.Subcommands.SelectMany(command => command.Subcommands.Count == 0 || command.Action is not null
            ? command.Subcommands.Select(below => $"{command.Name} {below.Name}").Prepend(command.Name)
            : command.Subcommands.Select(below => $"{command.Name} {below.Name}"));
        Assert.Empty(built.Except(Promised.Verbs.Select(Name)).Except(more));
        Assert.Empty(Promised.VerbsToCome.Except(Promised.Verbs.Select(Name)));
    }

    [Fact]
    public async Task The_node_is_the_control_port_unless_another_is_named()
    {
        var help = (await CliRun.ExecuteAsync(["ls", "--help"])).Out;
        Assert.Matches(@"--node <URL> .*THAW_NODE.*http://127\.0\.0\.1:7401", help);
        Assert.Matches("--token <TOKEN> .*THAW_TOKEN", help);
    }

    [Fact]
    public void Exit_codes_are_the_promised_ones()
    {
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .ToDictionary(field => (int)field.GetRawConstantValue()!, field => field.Name);
        Assert.Equal(Promised.ExitCodes.Index().ToDictionary(code => code.Index, code => code.Item), codes);
    }

    private static string Name(string line) =>
        string.Join(' ', line.Split(' ').TakeWhile(word => word.All(char.IsAsciiLetterLower)));

    private static Command? Find(string name)
    {
        Command? command = Root;
        foreach (var word in name.Split(' '))
            command = command?.Subcommands.FirstOrDefault(below => below.Name == word);
        return command;
    }

    private static string Written(Argument argument) =>
        (argument.Arity.MinimumNumberOfValues, argument.Arity.MaximumNumberOfValues) switch
        {
            (0, 1) => $"[{argument.Name}]",
            (1, 1) => argument.Name,
            (1, _) => $"{argument.Name}...",
            _ => $"[{argument.Name}...]",
        };

    // Arguments stand before the options: PATH, PATH..., [PATH].
    [GeneratedRegex(@"(?<= )(\[[A-Z]+\]|[A-Z]+(\.\.\.)?)(?= |$)(?<!--[a-z]+ \S+)")]
    private static partial Regex Argument();

    [GeneratedRegex(@"\[(?<name>--[a-z]+)( (?<value>[^\]]+))?\]")]
    private static partial Regex Option();
}
