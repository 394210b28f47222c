using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// Real loaders of models through the tree, beside the same files on the disk: llama.cpp maps a GGUF and generates
/// tokens, a reader of safetensors maps one and reads its tensors in a random order.
/// </summary>
[Trait("Category", "Server")]
public sealed class LoaderTests(ITestOutputHelper output)
{
    private const int Tokens = 12;
    private const string Gguf = "model.gguf";
    private const string Tensors = "model.safetensors";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public Task A_model_of_25_MiB_is_the_same_cold_half_cached_whole_and_for_four_at_once() =>
        CompareAsync(new Size(Width: 512, Layers: 4, Inner: 1408, Mebibytes: 25), TimeSpan.FromMinutes(2));

    [Fact]
    [Trait("Category", "Long")]
    public Task A_model_of_2_GiB_is_the_same_cold_half_cached_whole_and_for_four_at_once() =>
        CompareAsync(new Size(Width: 2048, Layers: 21, Inner: 5632, Mebibytes: 2048), TimeSpan.FromMinutes(10));

    private async Task CompareAsync(Size size, TimeSpan limit)
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var origin = new TempFolder();
        var python = new Command("python3") { Limit = limit };
        string[] shape = [$"{size.Width}", $"{size.Layers}", $"{size.Inner}"];
        await (python with { Arguments = [Script("make_gguf.py"), origin[Gguf], "1", .. shape] }).RunAsync(Stop);
        await (python with { Arguments = [Script("tensors.py"), "make", origin[Tensors], $"{size.Mebibytes}", "1"] })
            .RunAsync(Stop);
        var wanted = await ReadAsync(origin.FullPath, "the disk itself", limit);
        Assert.Equal(Tokens, wanted.Tokens.Split(' ').Length);
        await AssertTokensDependOnWeightsAsync(wanted.Tokens, python);
        foreach (var state in (string[])["cold", "half", "whole", "four at once"])
        {
            await using var node = await ThawProcess.StartAsync(
                new ThawSettings
                {
                    Mounts = [new MountSettings("models", $"file://{origin.FullPath}")],
                    HasPosix = true,
                    OpenWait = state == "whole" ? $"{limit.TotalSeconds:0}s" : "0s",
                },
                Stop);
            if (state == "half")
                await CacheHalfAsync(node, origin);
            var readers = state == "four at once" ? 4 : 1;
            var reads = await Task.WhenAll(Enumerable.Range(0, readers).Select(
                _ => ReadAsync(Path.Combine(node.Tree, "models"), state, limit)));
            Assert.All(reads, read => Assert.Equal(wanted, read));
            await AssertWayAsync(node, state, origin);
        }
    }

    /// <summary>Proves which way the bytes went.</summary>
    private static async Task AssertWayAsync(ThawProcess node, string state, TempFolder origin)
    {
        // What a loader leaves out comes behind it.
        var bytes = new[] { Gguf, Tensors }.Sum(name => new FileInfo(origin[name]).Length);
        await Eventually.HoldsAsync(
            "each byte has come from the origin once",
            async () => (await node.GetStatsAsync(Stop)).Origin.Bytes == bytes, () => node.Log,
            TimeSpan.FromSeconds(30), Stop);
        var stats = await node.GetStatsAsync(Stop);
        if (state == "whole" && Fuse.HasPassthrough)
        {
            Assert.True(stats.Posix.PassthroughOpens > 0, $"nothing was passed through: {stats.Posix}");
            Assert.Equal(0, stats.Posix.ReadBytes);
        }
        else
        {
            Assert.True(stats.Posix.CachedOpens > 0, $"nothing was read through the node: {stats.Posix}");
            Assert.InRange(stats.Posix.ReadBytes, 1, long.MaxValue);
        }
    }

    private static async Task CacheHalfAsync(ThawProcess node, TempFolder origin)
    {
        using var http = new HttpClient();
        foreach (var name in (string[])[Gguf, Tensors])
        {
            // The second half, so that a loader begins with what is missing.
            var length = new FileInfo(origin[name]).Length;
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node.S3, $"/models/{name}"));
            request.Headers.Range = new RangeHeaderValue(length / 2, length - 1);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
            await answer.EnsureSuccessStatusCode().Content.CopyToAsync(Stream.Null, Stop);
        }

        var cached = (await node.GetStatsAsync(Stop)).Cache.Bytes;
        Assert.InRange(cached, 1, new FileInfo(origin[Gguf]).Length + new FileInfo(origin[Tensors]).Length - 1);
    }

    private async Task AssertTokensDependOnWeightsAsync(string tokens, Command python)
    {
        using var folder = new TempFolder();
        string[] shape = ["512", "1", "512"];
        var others = new HashSet<string>();
        foreach (var seed in (string[])["1", "2"])
        {
            await (python with { Arguments = [Script("make_gguf.py"), folder[Gguf], seed, .. shape] }).RunAsync(Stop);
            others.Add(await GenerateAsync(folder[Gguf], TimeSpan.FromMinutes(1)));
        }

        output.WriteLine($"tokens: {tokens}; of other weights: {string.Join("; ", others)}");
        Assert.Equal(2, others.Count);
    }

    /// <summary>What both loaders make of the files in a folder.</summary>
    private async Task<(string Tokens, string Sums)> ReadAsync(string folder, string state, TimeSpan limit)
    {
        var begun = Stopwatch.GetTimestamp();
        var tokens = await GenerateAsync(Path.Combine(folder, Gguf), limit);
        var generated = Stopwatch.GetElapsedTime(begun);
        begun = Stopwatch.GetTimestamp();
        var read = new Command("python3", Script("tensors.py"), "read", Path.Combine(folder, Tensors), "7")
        {
            Limit = limit,
        };
        var sums = await read.RunAsync(Stop);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{state}: tokens after {generated.TotalSeconds:F1} s, tensors after "
            + $"{Stopwatch.GetElapsedTime(begun).TotalSeconds:F1} s"));
        return (tokens, sums);
    }

    private static async Task<string> GenerateAsync(string model, TimeSpan limit) => (await new Command(
        "node", Script("generate.mjs"), Places.NpmFile("node-llama-cpp", "dist/index.js"), model, $"{Tokens}")
    {
        Limit = limit,
    }.RunAsync(Stop)).Trim();

    private static string Script(string name) => Path.Combine(Places.Root, "tests/Thaw.Faults/Posix", name);

    private sealed record Size(int Width, int Layers, int Inner, int Mebibytes);
}
