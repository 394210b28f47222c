using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Thaw.Cli;
using Thaw.Core.Api;
using Xunit;

namespace Thaw.Tests.Cli;

public sealed class VerbTests
{
    private static readonly JobStatus Running = new(
        "7f3a", "load", "running", ["models/a/"], "all", 2, 100, 40, 0, 0, DateTimeOffset.UnixEpoch, null, [],
        [new("fake", 100, 40)]);

    private static readonly JobStatus Complete = Running with
    {
        State = "done",
        PresentBytes = 100,
        VerifiedObjects = 2,
        EndedAt = DateTimeOffset.UnixEpoch.AddSeconds(3),
    };

    [Fact]
    public async Task Every_verb_has_help_with_an_example()
    {
        var root = ThawCommand.Create(new Terminal { Out = TextWriter.Null, Error = TextWriter.Null });
        string[] verbs = ["serve", "load", "ls", "stat", "pull", "pin", "unpin", "verify", "free", "jobs", "nodes",
            "config", "demo", "doctor", "mount", "unmount"];
        Assert.Equal(verbs.Order(), root.Subcommands.Select(command => command.Name).Order());
        var all = root.Subcommands.SelectMany(command =>
            command.Subcommands.Select(below => new[] { command.Name, below.Name })
            .Prepend([command.Name]));
        foreach (var words in all)
        {
            var run = await CliRun.ExecuteAsync([.. words, "--help"]);
            Assert.Equal(0, run.ExitCode);
            Assert.Contains($"Examples:{Environment.NewLine}  ", run.Out, StringComparison.Ordinal);
            Assert.Contains($"thaw {words[0]}", run.Out[run.Out.IndexOf("Examples:", StringComparison.Ordinal)..],
                StringComparison.Ordinal);
            Assert.Contains("--json", run.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nodes_are_listed_with_their_states_and_addresses()
    {
        await using var node = await FakeNode.StartAsync();
        var run = await CliRun.ExecuteAsync(["nodes"], Variables(node));
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Matches(@"fake \*\s+live\s+z1\s+10\.0\.0\.1:7402\s+3", run.Out);
        Assert.Matches(
            @"other\s+restarting until 1970-\S+ \S+\s+-\s+10\.0\.0\.2:7402 10\.1\.0\.2:7402\s+0", run.Out);
        Assert.Contains("cluster prod, 2 nodes", run.Out, StringComparison.Ordinal);
        var json = await CliRun.ExecuteAsync(["nodes", "--json"], Variables(node));
        Assert.Equal("00ff", JsonDocument.Parse(json.Out).RootElement.GetProperty("hash").GetString());
    }

    [Fact]
    public async Task Every_example_parses()
    {
        var root = ThawCommand.Create(new Terminal { Out = TextWriter.Null, Error = TextWriter.Null });
        var verbs = root.Subcommands.Concat(root.Subcommands.SelectMany(command => command.Subcommands)).OfType<Verb>();
        foreach (var example in verbs.SelectMany(verb => verb.Examples)
            .Where(example => !example.Contains("--model", StringComparison.Ordinal)))
        {
            var line = example[(example.IndexOf("thaw ", StringComparison.Ordinal) + 5)..]
                .Replace("'", "", StringComparison.Ordinal);
            Assert.True(root.Parse(line).Errors.Count == 0, $"{example}: {string.Join(' ', root.Parse(line).Errors)}");
        }

        await Task.CompletedTask;
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("load")]
    [InlineData("load /x")]
    [InlineData("load --attic models/a")]
    [InlineData("verify models/a --attic")]
    [InlineData("load models/a --on some")]
    [InlineData("load models/a --on 0")]
    [InlineData("load models/a --bandwidth fast")]
    [InlineData("load models/a --detach --wait")]
    [InlineData("lod models/a")]
    [InlineData("ls --jsn")]
    [InlineData("ls /x")]
    [InlineData("pull models/a /etc/hostname")]
    [InlineData("stat")]
    [InlineData("ls models/ --node nonsense")]
    [InlineData("serve --log-level loud")]
    [InlineData("demo --size 1KiB")]
    [InlineData("demo --shards 0")]
    [InlineData("demo --model /does/not/exist")]
    public async Task A_wrong_command_line_is_2(string line)
    {
        var run = await CliRun.ExecuteAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Equal("", run.Out);
        Assert.StartsWith("thaw: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("lod models/a", "Did you mean \"load\"?")]
    [InlineData("config chek x", "Did you mean \"check\"?")]
    [InlineData("ls --jsn", "There is no option \"--jsn\" here.")]
    [InlineData("pull models/a /etc/hostname", "\"/etc/hostname\" is a file; name a directory to copy to.")]
    public async Task A_wrong_word_is_told_with_the_right_one(string line, string part) =>
        Assert.Contains(part, (await CliRun.ExecuteAsync(line.Split(' '))).Error, StringComparison.Ordinal);

    [Fact]
    public async Task A_node_that_is_not_there_is_3()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://{taken.LocalEndpoint}";
        taken.Stop();
        var run = await CliRun.ExecuteAsync(["ls", "--node", url]);
        Assert.Equal(ExitCode.NotReachable, run.ExitCode);
        Assert.Contains($"the node at {url}/ does not answer", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, ExitCode.NotAuthorised, "wants a token")]
    [InlineData(403, ExitCode.NotAuthorised, "the fake says no.")]
    [InlineData(404, ExitCode.NotFound, "the fake says no.")]
    [InlineData(400, ExitCode.Usage, "the fake says no.")]
    [InlineData(503, ExitCode.Failed, "the fake says no.")]
    public async Task Each_answer_has_its_exit_code(int status, int exitCode, string expected)
    {
        await using var node = await FakeNode.StartAsync();
        node.ErrorStatus = status;
        foreach (var verb in (string[])[
            "ls", "stat models/a", "load models/a", "pin models/a", "free models/a", "jobs 1", "pull models/a /tmp"])
        {
            var run = await CliRun.ExecuteAsync([.. verb.Split(' '), "--node", node.Url, "--json"]);
            Assert.Equal(exitCode, run.ExitCode);
            Assert.Equal("", run.Out);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Load_follows_its_job_and_is_done_only_when_all_is_verified()
    {
        await using var node = await FakeNode.StartAsync();
        node.Job = [Running, Running with { PresentBytes = 80 }, Complete];
        var run = await CliRun.ExecuteAsync(["load", "models/a/", "--bandwidth", "2GiB/s"], Variables(node));
        Assert.Equal((0, "done: 2 of 2 objects verified, 100 B of 100 B loaded in 3.0s.\n"), (run.ExitCode, run.Out));
        Assert.Contains("load: 40 B of 100 B (40%)", run.Error, StringComparison.Ordinal);
        Assert.Contains("POST /api/v1/jobs "
            + "{\"kind\":\"load\",\"paths\":[\"models/a/\"],\"on\":\"all\",\"bandwidthBytesPerSecond\":2147483648}",
            node.Requests);
    }

    [Theory]
    [InlineData("failed", 2, 0)]
    [InlineData("cancelled", 2, 0)]
    [InlineData("done", 1, 0)]
    [InlineData("done", 2, 1)]
    public async Task A_job_that_is_not_all_right_is_1(string state, long verified, long bad)
    {
        await using var node = await FakeNode.StartAsync();
        node.Job = [Complete with { State = state, VerifiedObjects = verified, BadBlocks = bad }];
        foreach (var verb in (string[])["load", "verify"])
        {
            var run = await CliRun.ExecuteAsync([verb, "models/a/", "--json"], Variables(node));
            Assert.Equal(ExitCode.Failed, run.ExitCode);
            Assert.Equal(state, JsonDocument.Parse(run.Out).RootElement.GetProperty("state").GetString());
        }
    }

    [Fact]
    public async Task Interrupting_says_that_the_job_goes_on()
    {
        await using var node = await FakeNode.StartAsync();
        node.Job = [Running];
        using var stop = new CancellationTokenSource();
        var running = CliRun.ExecuteAsync(["load", "models/a/"], Variables(node), stop.Token);
        await node.JobPolled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        var run = await running;
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("job 7f3a goes on without you", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(node.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Interrupting_can_cancel_the_job()
    {
        await using var node = await FakeNode.StartAsync();
        node.Job = [Running];
        using var stop = new CancellationTokenSource();
        var running = CliRun.ExecuteAsync(["load", "models/a/", "--cancel-on-exit"], Variables(node), stop.Token);
        await node.JobPolled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Failed, (await running).ExitCode);
        Assert.Contains("DELETE /api/v1/jobs/7f3a", node.Requests);
    }

    [Fact]
    public async Task Short_verbs_print_a_line_or_one_object()
    {
        await using var node = await FakeNode.StartAsync();
        node.Objects["a/1"] = new byte[10];
        node.Objects["a/2"] = new byte[20];
        node.Job = [Complete];
        foreach (var (line, expected) in ((string, string)[])
            [
                ("ls", "s3://acme/prod"), ("ls models/a/", "models/a/2"), ("stat models/a/1", "cached:    50% (5 B)"),
                ("pin models/a/", "pinned 2 objects, 3 MiB."), ("unpin models/a/", "unpinned 2 objects, 3 MiB."),
                ("free models/a/", "freed 4 objects, 5 MiB; left 1 pinned and 2 in use."), ("jobs", "7f3a"),
                ("jobs 7f3a", "done"), ("jobs cancel 7f3a", "7f3a"),
                ("mount /mnt/thaw", "mounted at /mnt/thaw"), ("unmount /mnt/thaw", "unmounted from /mnt/thaw"),
                ("load models/a/ --detach", "job 7f3a is under way"),
                ("config explain mounts.origin", "mounts[].origin"),
            ])
        {
            var run = await CliRun.ExecuteAsync(line.Split(' '), Variables(node));
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            Assert.Contains(expected, run.Out, StringComparison.Ordinal);
            var json = await CliRun.ExecuteAsync([.. line.Split(' '), "--json"], Variables(node));
            Assert.Equal((0, ""), (json.ExitCode, json.Error));
            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json.Out).RootElement.ValueKind);
        }

        Assert.Contains("POST /api/v1/posix {\"path\":\"/mnt/thaw\"}", node.Requests);
        Assert.Contains("DELETE /api/v1/pins {\"paths\":[\"models/a/\"]}", node.Requests);
        Assert.Equal(ExitCode.NotFound, (await CliRun.ExecuteAsync(["stat", "models/b"], Variables(node))).ExitCode);
        Assert.Equal(ExitCode.NotFound, (await CliRun.ExecuteAsync(["config", "explain", "hub.listen"])).ExitCode);
    }

    [Fact]
    public async Task Config_check_tells_all_errors()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(file, "node: {drian: 1s}\ncache: {memory: x}\n");
        try
        {
            var run = await CliRun.ExecuteAsync(["config", "check", file]);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains($"{file}:1: node.drian: this option is not known; did you mean \"drain\"?", run.Error,
                StringComparison.Ordinal);
            Assert.Contains($"{file}:2: cache.memory:", run.Error, StringComparison.Ordinal);
            run = await CliRun.ExecuteAsync(["serve", "--config", file]);
            Assert.Equal((1, 2), (run.ExitCode, run.Error.TrimEnd().Split('\n').Length));
            await File.WriteAllTextAsync(file, "");
            Assert.Equal(0, (await CliRun.ExecuteAsync(["config", "check", file])).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    internal static Func<string, string?> Variables(FakeNode node) => name => name == "THAW_NODE" ? node.Url : null;
}
