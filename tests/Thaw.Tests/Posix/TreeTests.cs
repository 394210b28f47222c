using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Posix.Tree;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Posix;

/// <summary>Keys as a tree: what look-ups and listings find.</summary>
public sealed class TreeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_folder_wins_over_the_file_of_the_same_name_in_look_ups_and_listings()
    {
        var names = Names(new KeyTree("a", "a/b", "c", "d/e"));
        var folder = Folder("");
        Assert.True((await names.FindAsync(folder, "a", Stop)).Value!.Value.IsFolder);
        Assert.False((await names.FindAsync(folder, "c", Stop)).Value!.Value.IsFolder);
        Assert.True((await names.FindAsync(folder, "d", Stop)).Value!.Value.IsFolder);
        Assert.Null((await names.FindAsync(folder, "e", Stop)).Value);
        Assert.Null((await names.FindAsync(folder, new string('x', 300), Stop)).Value);
        Assert.Equal([("a", true), ("c", false), ("d", true)], await ListAsync(names, folder));
    }

    [Fact]
    public async Task The_folder_wins_also_where_a_page_ends_between_it_and_the_file()
    {
        // '-' and '.' sort before '/': the folder comes pages after the file.
        var names = Names(new KeyTree("a", "a-1", "a.2", "a/b") { PageKeys = 1 });
        Assert.Equal([("a-1", false), ("a.2", false), ("a", true)], await ListAsync(names, Folder("")));
    }

    [Fact]
    public async Task Keys_that_no_file_system_can_hold_are_hidden_and_counted()
    {
        var names = Names(new KeyTree(
            "", "//x", "./y", "../z", new string('n', 256), "nul\0", "ok/", "ok/one", "ok//two", "plain"));
        using var stream = new FolderStream(names, Folder(""), TimeProvider.System);
        Assert.Equal([("ok", true), ("plain", false)], await ReadAsync(stream));
        Assert.Equal(5, stream.HiddenAtEnd);
        Assert.Equal([("one", false)], await ListAsync(names, Folder("ok")));
    }

    [Fact]
    public async Task A_failure_is_no_missing_name()
    {
        var names = Names(new KeyTree("a")
        {
            Failure = new Failure(FailureKind.OriginUnavailable, "down"),
        });
        Assert.Equal(FailureKind.OriginUnavailable, (await names.FindAsync(Folder(""), "a", Stop)).Failure?.Kind);
        using var stream = new FolderStream(names, Folder(""), TimeProvider.System);
        Assert.Equal(FailureKind.OriginUnavailable, (await stream.MoveToAsync(FolderStream.First, Stop))?.Kind);
    }

    [Fact]
    public async Task A_known_file_and_a_known_folder_are_found_while_the_origin_is_silent()
    {
        var silent = new TaskCompletionSource<Result<ListPage>>();
        var clock = new FakeTimeProvider();
        var keys = new KeyTree("known", "folder/known") { Listing = prefix => prefix == "known/" ? silent.Task : null };
        var names = new TreeNames(keys, clock);
        var finding = names.FindAsync(Folder(""), "known", Stop);
        await Eventually.HoldsAsync(
            "the file is found",
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return new(finding.IsCompleted);
            },
            () => $"{clock.GetUtcNow()}", TimeSpan.FromSeconds(30), Stop);
        Assert.False((await finding).Value!.Value.IsFolder);
        Assert.True(keys.LastListing!.Value.IsCancellationRequested);
        keys.Resolving = new TaskCompletionSource<Result<ObjectVersion>>().Task;
        Assert.True((await names.FindAsync(Folder(""), "folder", Stop)).Value!.Value.IsFolder);
    }

    [Fact]
    public void A_folder_read_from_any_offsets_in_any_order_is_what_it_is_read_in_one_go() =>
        Gen.Select(Gen.Int[0, 25], Gen.Int[1, 7], Gen.Int[0, 30].Array[0, 12]).Sample(
            (count, page, offsets) => CheckSeeksAsync(count, page, offsets).GetAwaiter().GetResult(), iter: 300);

    [Theory]
    [InlineData("llama/model-00002-of-00008.safetensors", "llama/model", 2, 8, ".safetensors")]
    [InlineData("q-00001-of-00003.gguf", "q", 1, 3, ".gguf")]
    [InlineData("m-00001-of-00002", "m", 1, 2, "")]
    public void The_name_of_a_shard_is_taken_apart(string key, string stem, int index, int count, string extension)
    {
        Assert.True(ShardName.TryParse(key, out var shard));
        Assert.Equal(new ShardName(stem, index, count, extension), shard);
        Assert.Equal(key, shard.KeyOf(index));
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model-00009-of-00008.safetensors")]
    [InlineData("model-00000-of-00008.safetensors")]
    [InlineData("model-0001-of-0008.safetensors")]
    [InlineData("-00001-of-00008")]
    [InlineData("a.b/model-00001-of-00008x")]
    public void Other_names_are_no_shards(string key) => Assert.False(ShardName.TryParse(key, out _));

    private static async Task CheckSeeksAsync(int count, int page, int[] offsets)
    {
        var keys = Enumerable.Range(0, count).Select(index => $"k{index:D3}{(index % 3 == 0 ? "/x" : "")}").ToArray();
        var names = Names(new KeyTree(keys) { PageKeys = page });
        var whole = await ListAsync(names, Folder(""));
        Assert.Equal(count, whole.Count);
        using var stream = new FolderStream(names, Folder(""), TimeProvider.System);
        foreach (var offset in offsets)
        {
            Assert.Null(await stream.MoveToAsync(FolderStream.First + offset, Stop));
            var found = stream.TryGet(FolderStream.First + offset)!.Value;
            Assert.Equal(offset >= count, found.IsEmpty);
            for (var index = 0; index < found.Length; index++)
                Assert.Equal(whole[offset + index], (found.Span[index].Name, found.Span[index].IsFolder));
        }
    }

    private static async Task<List<(string, bool)>> ListAsync(TreeNames names, Node folder)
    {
        using var stream = new FolderStream(names, folder, TimeProvider.System);
        return await ReadAsync(stream);
    }

    private static async Task<List<(string, bool)>> ReadAsync(FolderStream stream)
    {
        var all = new List<(string, bool)>();
        while (true)
        {
            Assert.Null(await stream.MoveToAsync(FolderStream.First + all.Count, Stop));
            var found = stream.TryGet(FolderStream.First + all.Count)!.Value;
            if (found.IsEmpty)
                return all;
            foreach (var one in found.ToArray())
                all.Add((one.Name, one.IsFolder));
        }
    }

    private static TreeNames Names(KeyTree keys) => new(keys, TimeProvider.System);

    private static Node Folder(string key)
    {
        var table = new NodeTable();
        var node = table.Enter(table.Root, Found.Folder("models"), 0);
        return key.Length == 0 ? node : table.Enter(node, Found.Folder(key), 0);
    }
}
