using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Contracts;
using Thaw.Storage.Names;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Storage.Names;

public sealed class NameTableTests
{
    [Fact]
    public async Task Memory_only_table_keeps_names_and_flushes_at_once()
    {
        await using var table = NameSamples.Open(null);
        Assert.True(table.Put(NameSamples.Entry("a", 1)));
        Assert.True(table.TryGet("a", out var entry));
        Assert.Equal(NameSamples.Show(NameSamples.Entry("a", 1)), NameSamples.Show(entry));
        Assert.True(await table.FlushAsync(CancellationToken.None));
        Assert.Null(table.LogProblem);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public async Task Names_of_a_content_follow_every_change()
    {
        await using var table = NameSamples.Open(null);
        var (first, second) = (NameSamples.Entry("b", 2), NameSamples.Entry("a", 3));
        Assert.Equal(first.Version.Id, second.Version.Id);
        table.Put(first);
        table.Put(second);
        Assert.Equal(["a", "b"], table.NamesOf(first.Version.Id).Select(entry => entry.Key));
        table.Put(NameSamples.Entry("b", 8));
        Assert.Equal(["a"], table.NamesOf(first.Version.Id).Select(entry => entry.Key));
        Assert.Equal(["b"], table.NamesOf(NameSamples.Entry("b", 8).Version.Id).Select(entry => entry.Key));
        table.Remove("a");
        Assert.Empty(table.NamesOf(first.Version.Id));
    }

    public static TheoryData<string> TooLarge =>
        ["key", "lone surrogate", "empty key", "etag", "metadata", "pieces", "size"];

    [Theory]
    [MemberData(nameof(TooLarge))]
    public async Task What_exceeds_a_limit_is_refused_and_forgotten(string what)
    {
        await using var table = NameSamples.Open(null);
        var entry = NameSamples.Entry("a", 1);
        table.Put(entry);
        var version = entry.Version;
        var pieces =
            Enumerable.Range(0, 4000).ToImmutableSortedDictionary(i => $"{i:x3}"[..3] + (char)('a' + i % 26), _ => "");
        var large = what switch
        {
            "key" => entry with { Key = new string('é', 513) },
            "lone surrogate" => entry with { Key = "a\uD800" },
            "empty key" => entry with { Key = "" },
            "etag" => entry with { Version = version with { ETag = new string('e', 1025) } },
            "metadata" => entry with
            { Version = version with { Metadata = version.Metadata.SetItem("m", new string('m', 8192)) } },
            "pieces" => entry with { Version = version with { Metadata = pieces } },
            _ => entry with { Version = version with { SizeBytes = -1 } },
        };
        Assert.False(table.Put(large));
        Assert.False(table.TryGet(large.Key, out _));
    }

    [Fact]
    public async Task The_largest_entry_comes_back()
    {
        using var directory = new NameDirectory();
        var small = NameSamples.Entry(new string('\uFFFD', 341) + "k", 1);
        var entry = small with
        {
            Version = small.Version with
            {
                ETag = new string('e', 1024),
                ContentType = new string('t', 1024),
                Metadata = ImmutableSortedDictionary<string, string>.Empty.Add("m", new string('m', 8191)),
            },
        };
        await using (var table = NameSamples.Open(directory.Log))
            Assert.True(table.Put(entry));
        await using var again = NameSamples.Open(directory.Log);
        Assert.Equal(NameSamples.Show(entry), NameSamples.Show(Assert.Single(again.All())));
    }

    [Fact]
    public async Task Touches_reach_the_log_once_a_minute()
    {
        using var directory = new NameDirectory();
        var time = new FakeTimeProvider(NameSamples.Start);
        await using var table = NameSamples.Open(directory.Log, time);
        table.Put(NameSamples.Entry("a", 1));
        Assert.True(await table.FlushAsync(CancellationToken.None));
        var before = new FileInfo(directory.Log).Length;
        for (var i = 0; i < 100; i++)
            table.TouchUsed("a", NameSamples.Start.AddSeconds(i));

        // A put of another key is logged at once and does not take the touches along.
        table.Put(NameSamples.Entry("b", 2));
        var put = NameRecord.PutLength(PackedName.Of(NameSamples.Entry("b", 2)));
        await Until(() => new FileInfo(directory.Log).Length == before + put, () =>
            $"put: {new FileInfo(directory.Log).Length}");
        time.Advance(TimeSpan.FromMinutes(1));
        await Until(() => new FileInfo(directory.Log).Length > before + put, () =>
            "touch after a minute: nothing logged");
        Assert.InRange(new FileInfo(directory.Log).Length, before + put + 1, before + put + 64);
    }

    [Fact]
    public async Task Changes_survive_without_a_close()
    {
        using var directory = new NameDirectory();
        await using var table = NameSamples.Open(directory.Log);
        table.Put(NameSamples.Entry("a", 1));
        table.SetPinned("a", true);
        Assert.True(await table.FlushAsync(CancellationToken.None));
        var copy = Path.Combine(directory.Path, "copy.names");
        File.Copy(directory.Log, copy);
        await using var after = NameSamples.Open(copy);
        Assert.Equal(
            NameSamples.Show(NameSamples.Entry("a", 1, pinned: true)), NameSamples.Show(Assert.Single(after.All())));
    }

    [Fact]
    public async Task Changes_and_readers_on_many_threads_agree_in_the_end()
    {
        using var directory = new NameDirectory();
        await using (var table = NameSamples.Open(directory.Log))
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() =>
            {
                for (var i = 0; i < 2000; i++)
                {
                    var key = $"{i % 50}/{worker}";
                    table.Put(NameSamples.Entry(key, i));
                    table.TouchUsed($"{i % 50}/{(worker + 1) % 4}", NameSamples.Start);
                    var page = table.List(new ListRequest("", "/", "", 1000));
                    Assert.True(page.Entries.All(entry => entry.IsCommonPrefix));
                    if (i % 7 == 0)
                        table.Remove(key);
                }
            })));
            Assert.Equal(table.Count, table.All().Count());
        }

        await using var again = NameSamples.Open(directory.Log);
        Assert.All(again.All(), entry =>
            Assert.Contains(entry.Key, again.NamesOf(entry.Version.Id).Select(name => name.Key)));
        Assert.InRange(again.Count, 1, 200);
    }

    internal static Task Until(Func<bool> condition, Func<string> state) =>
        Eventually.HoldsAsync(
            "the names log", () =>
                ValueTask.FromResult(condition()), state, TimeSpan.FromSeconds(20), CancellationToken.None);
}
