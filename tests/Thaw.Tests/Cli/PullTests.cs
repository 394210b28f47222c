using System.Security.Cryptography;
using System.Text.Json;
using Thaw.Cli;
using Thaw.Cli.Pulling;
using Thaw.Core;
using Xunit;

namespace Thaw.Tests.Cli;

public sealed class PullTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"thaw-pull-{Guid.NewGuid():N}");
    private FakeNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_directory);
        _node = await FakeNode.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Copies_a_prefix_with_sums_and_leaves_nothing_else()
    {
        _node.Objects["a/big one+ü.bin"] = Bytes(3 * Limits.PullPartBytes + 17);
        _node.Objects["a/sub/small"] = Bytes(5);
        _node.Objects["a/empty"] = [];
        _node.Objects["other"] = Bytes(5);
        var report = await PullAsync("models/a/", 0);
        Assert.Equal((3, 3), (report.GetProperty("objects").GetInt32(), report.GetProperty("verified").GetInt32()));
        AssertFiles("a/", "big one+ü.bin", "empty", "sub/small");
        Assert.Equal(5, _node.Gets.Count);
        report = await PullAsync("models/a/", 0);
        Assert.Equal(0, report.GetProperty("fetchedBytes").GetInt64());
        Assert.Equal(5, _node.Gets.Count);
    }

    [Fact]
    public async Task Goes_on_where_an_interrupted_copy_stopped()
    {
        _node.Objects["a/big"] = Bytes(12 * Limits.PullPartBytes);
        using var stop = new CancellationTokenSource();
        // From the seventh part on nothing is answered; the first six may still be on their way when the copy is
        // stopped.
        _node.Fault = (context, count) =>
        {
            if (count < 7)
                return false;
            if (File.Exists(Journal("big")) && File.ReadAllLines(Journal("big")).Length > 1)
                stop.Cancel();
            context.Response.StatusCode = 503;
            return true;
        };
        var run = await CliRun.ExecuteAsync(["pull", "models/a/", _directory], VerbTests.Variables(_node), stop.Token);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.False(File.Exists(Path.Combine(_directory, "big")));
        var journalled = File.ReadAllLines(Journal("big")).Length - 1;
        Assert.InRange(journalled, 1, 6);

        // One part is lost as a crash of the machine would lose it, and the last line is torn.
        var torn = int.Parse(File.ReadAllLines(Journal("big"))[1].Split(' ')[0]);
        await using (var part = File.OpenWrite(Path.Combine(_directory, "big" + PullJournal.PartSuffix)))
        {
            part.Seek((long)torn * Limits.PullPartBytes, SeekOrigin.Begin);
            part.Write(new byte[100]);
        }

        await File.AppendAllTextAsync(Journal("big"), "11 0000");
        _node.Fault = null;
        _node.Gets.Clear();
        var report = await PullAsync("models/a/", 0);
        Assert.Equal((12 - journalled + 1) * (long)Limits.PullPartBytes, report.GetProperty("fetchedBytes").GetInt64());
        AssertFiles("a/", "big");
    }

    [Fact]
    public async Task A_version_that_changes_while_it_is_copied_fails_and_the_next_copy_takes_the_new_one()
    {
        _node.Objects["a/big"] = Bytes(6 * Limits.PullPartBytes);
        _node.Fault = (_, count) =>
        {
            if (count == 3)
                _node.ETag = "\"version-2\"";
            return false;
        };
        var report = await PullAsync("models/a/big", 1);
        Assert.Contains("big has changed while it was copied", report.GetProperty("failed")[0].GetString(),
            StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_directory, "big")));
        _node.Objects["a/big"] = Bytes(6 * Limits.PullPartBytes);
        report = await PullAsync("models/a/big", 0);
        Assert.Equal(6L * Limits.PullPartBytes, report.GetProperty("fetchedBytes").GetInt64());
        AssertFiles("a/", "big");
    }

    [Fact]
    public async Task Bytes_that_do_not_match_their_sum_are_deleted()
    {
        _node.Objects["a/x"] = Bytes(1000);
        _node.CrcOverride = "00000001";
        var report = await PullAsync("models/a/x", 1);
        Assert.Contains(
            "do not match its crc32c", report.GetProperty("failed")[0].GetString(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_directory));
    }

    [Fact]
    public async Task Without_a_crc_a_plain_etag_is_the_sum()
    {
        _node.KnowsCrc = false;
        _node.Objects["a/x"] = Bytes(1000);
        _node.ETag = $"\"{Convert.ToHexStringLower(MD5.HashData(_node.Objects["a/x"]))}\"";
        Assert.Equal(1, (await PullAsync("models/a/x", 0)).GetProperty("verified").GetInt32());
        _node.ETag = $"\"{new string('0', 32)}\"";
        var report = await PullAsync("models/a/x", 1);
        Assert.Contains("do not match its md5", report.GetProperty("failed")[0].GetString(), StringComparison.Ordinal);
        _node.ETag = "\"opaque\"";
        Assert.Equal(0, (await PullAsync("models/a/x", 0)).GetProperty("verified").GetInt32());
    }

    [Fact]
    public async Task Transient_failures_are_tried_again()
    {
        _node.Objects["a/x"] = Bytes(1000);
        _node.Fault = (context, count) =>
        {
            if (count == 1)
                context.Response.StatusCode = 503;
            else if (count == 2)
                context.Abort();
            return count < 3;
        };
        await PullAsync("models/a/x", 0);
        Assert.Equal(3, _node.Gets.Count);
    }

    [Fact]
    public async Task Keys_that_would_leave_the_directory_are_refused_and_the_others_copied()
    {
        Directory.CreateSymbolicLink(Path.Combine(_directory, "link"), Path.GetTempPath());
        foreach (var key in (string[])["a/../../evil", "a/./x", "a//x", "a/link/evil", "a/good"])
            _node.Objects[key] = Bytes(10);
        var report = await PullAsync("models/a/", 1);
        Assert.Equal((1, 4), (report.GetProperty("objects").GetInt32(), report.GetProperty("failed").GetArrayLength()));
        Assert.Equal(["good"], Directory.EnumerateFiles(_directory).Select(Path.GetFileName));
        Assert.False(File.Exists(Path.Combine(Path.GetTempPath(), "evil")));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("llama/", "llama/")]
    [InlineData("llama/config.json", "llama/")]
    [InlineData("llama/sub*/**", "llama/")]
    public void What_a_path_names_keeps_its_place_below_the_last_slash(string key, string root) =>
        Assert.Equal(root, PullPaths.Root(key));

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    private string Journal(string name) => Path.Combine(_directory, name + PullJournal.JournalSuffix);

    private async Task<JsonElement> PullAsync(string path, int exitCode)
    {
        var run = await CliRun.ExecuteAsync(["pull", path, _directory, "--json"], VerbTests.Variables(_node));
        Assert.True(exitCode == run.ExitCode, $"exit {run.ExitCode}: {run.Out} {run.Error}");
        return JsonDocument.Parse(run.Out).RootElement;
    }

    private void AssertFiles(string root, params string[] names)
    {
        var found = Directory.EnumerateFiles(_directory, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(_directory, file)).Order(StringComparer.Ordinal);
        Assert.Equal(names, found);
        foreach (var name in names)
            Assert.True(_node.Objects[root + name].AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(_directory, name))), name);
    }
}
