using System.Diagnostics;
using System.Net.Sockets;
using Thaw.Core.Chunks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>
/// The network, the origin, the room on the disk and the mount go away under readers: nobody hangs, nobody gets a wrong
/// byte or zeros, whole files go on, and no reader is left that cannot be killed.
/// </summary>
[Trait("Category", "Server")]
public sealed class OutageTests(ITestOutputHelper output)
{
    private const long Size = 3L * Geometry.ChunkBytes + 4321;
    private const string Bucket = "bucket";
    private const string Whole = "whole/model.gguf";

    /// <summary>So slow that a reader is on its way for a second.</summary>
    private const long SlowBytesPerSecond = 24L << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The kernel's request is given up after 90 s (<c>Limits.PosixAnswer</c>).</summary>
    private static readonly TimeSpan LongPatience = TimeSpan.FromSeconds(150);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_network_that_is_cut_for_a_while_costs_time_and_no_byte()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        await using var network = await NetworkSpace.MakeAsync(Stop);
        using var listening = await network.ListenAsync();
        await using var scene = await StartAsync(listening);
        using var killed = await StartReaderAsync(scene, 0, folder);
        using var waiting = await StartReaderAsync(scene, 1, folder);
        await network.CutAsync(Stop);
        killed.Kill();
        await killed.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromSeconds(10), Stop);
        Assert.Equal(Sum(0), await SumAsync(scene, Whole));
        Assert.False(waiting.HasExited);
        await network.MendAsync(Stop);
        await waiting.WaitForExitAsync(Stop).WaitAsync(LongPatience, Stop);
        output.WriteLine($"{await waiting.StandardError.ReadToEndAsync(Stop)}");
        Assert.Equal((0, Size), (waiting.ExitCode, await CheckCopyAsync(1, folder)));
        Assert.Empty(Stuck(scene));
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("silent")]
    [InlineData("gone")]
    [Trait("Category", "Long")]
    public async Task An_origin_that_stays_away_is_an_error_to_whoever_needs_it_and_to_nobody_else(string how)
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        using var folder = new TempFolder();
        await using var network = await NetworkSpace.MakeAsync(Stop);
        using var listening = await network.ListenAsync();
        await using var scene = await StartAsync(listening);
        using var reader = await StartReaderAsync(scene, 0, folder);
        if (how == "cut")
            await network.CutAsync(Stop);
        else
            await scene.Origin.DisposeAsync();
        // Until this, the kernel accepts connections that nobody answers.
        if (how == "gone")
            listening.Dispose();
        var since = Stopwatch.StartNew();
        Assert.Equal(Sum(0), await SumAsync(scene, Whole));
        await reader.WaitForExitAsync(Stop).WaitAsync(LongPatience, Stop);
        output.WriteLine($"{since.Elapsed.TotalSeconds:0.0} s: {await reader.StandardError.ReadToEndAsync(Stop)}");
        Assert.Equal(1, reader.ExitCode);
        Assert.InRange(await CheckCopyAsync(0, folder), 1, Size - 1);
        var (code, _, error) = await (Dd(scene, 2, folder) with { Limit = LongPatience }).TryRunAsync(Stop);
        output.WriteLine($"{since.Elapsed.TotalSeconds:0.0} s: {error}");
        Assert.Equal(1, code);
        Assert.Equal(Sum(0), await SumAsync(scene, Whole));
        Assert.Empty(Stuck(scene));
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    [Fact]
    public async Task A_disk_without_room_costs_what_it_would_have_kept()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        using var folder = new TempFolder();
        await using var disk = await LoopDisk.MakeAsync("ext4", 96L << 20, Stop);
        await using var scene = await StartAsync(null, disk.Path);
        using (await StartReaderAsync(scene, 0, folder))
        {
            // It has begun to be kept, and now there is no room for the rest.
            await disk.FillAsync(Stop);
            await Task.WhenAll(Enumerable.Range(1, 3).Select(one => Dd(scene, one, folder).RunAsync(Stop)));
        }

        for (var one = 1; one <= 3; one++)
            Assert.Equal(Size, await CheckCopyAsync(one, folder));
        // git reads by mmap.
        await File.WriteAllBytesAsync(folder["want"], ContentOf(1).ToArray(), Stop);
        var hashes = await new Command(
            "git", "hash-object", "--no-filters", PathOf(scene, Cold(0)), folder["want"]).RunAsync(Stop);
        Assert.Equal(hashes.Split('\n')[1], hashes.Split('\n')[0]);
        Assert.Equal(Sum(0), await SumAsync(scene, Whole));
        Assert.Empty(Stuck(scene));
        output.WriteLine($"{(await scene.Node.GetStatsAsync(Stop)).Cache}");
        Assert.Equal(0, await scene.Node.TerminateAsync());
    }

    [Fact]
    public async Task A_tree_in_use_is_unmounted_and_those_who_read_by_passthrough_go_on()
    {
        const int readers = 4;
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(Fuse.HasPassthrough, "passthrough needs Linux 6.9");
        using var folder = new TempFolder();
        using var meeting = new TempFolder();
        await using var scene = await StartAsync(null);
        scene.Origin.Faults = request => request.IsGet ? new Fault { StallAfter = 2 << 20 } : null;
        var reading = ManyReaders.RunAsync("held", readers, PathOf(scene, Whole), ContentOf(0), meeting, Stop);
        await ManyReaders.AtWorkAsync(meeting, readers, scene, Stop);
        using var stalled = await StartReaderAsync(scene, 0, folder);
        var unmount = new Command(Places.Executable, "unmount", scene.Node.Tree, "--node", $"{scene.Node.Control}");
        await unmount.RunAsync(Stop);
        await stalled.WaitForExitAsync(Stop).WaitAsync(Patience, Stop);
        Assert.Equal(1, stalled.ExitCode);
        await CheckCopyAsync(0, folder);
        meeting.Write("go", "");
        Assert.Equal($"0: 0 of {readers} readers read wrong bytes or failed\n", await reading);
        Assert.Empty(Stuck(scene));
        scene.Origin.Faults = null;
        await (unmount with { Arguments = ["mount", .. unmount.Arguments[1..]] }).RunAsync(Stop);
        Assert.Equal(Sum(0), await SumAsync(scene, Whole));
        Assert.Equal(Sum(2), await SumAsync(scene, Cold(1)));
    }

    [Fact]
    public async Task An_open_waits_no_longer_than_it_may_and_whoever_waits_is_killed_at_once()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        foreach (var openWait in (string[])["1s", "10m"])
        {
            await using var scene = await StartAsync(null, openWait: openWait);
            scene.Origin.Faults = request => request.IsGet ? new Fault { StallAfter = 2 << 20 } : null;
            var head = new Command("head", "-c", "1000", PathOf(scene, Cold(0)));
            if (openWait == "1s")
            {
                // The file never becomes whole; its first bytes are there.
                Assert.Equal("1000\n", await new Command("sh", "-c", $"{head} | wc -c").RunAsync(Stop));
                Assert.Equal(1, (await scene.Node.GetStatsAsync(Stop)).Posix.CachedOpens);
                continue;
            }

            using var opening = Process.Start(new ProcessStartInfo(head.Program, head.Arguments))!;
            await Eventually.HoldsAsync(
                "it waits", async () => (await scene.Node.GetStatsAsync(Stop)).InFlight.Chunks > 0, scene.Describe,
                Patience, Stop);
            opening.Kill();
            await opening.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromSeconds(10), Stop);
            Assert.Equal(0, (await scene.Node.GetStatsAsync(Stop)).Posix.CachedOpens);
            Assert.Empty(Stuck(scene));
        }
    }

    private static async Task<Scene> StartAsync(Socket? listening, string? disk = null, string openWait = "0s")
    {
        var scene = await Scene.StartAsync(
            origin =>
            {
                origin.Put(Bucket, Whole, ContentOf(0));
                for (var one = 0; one < 4; one++)
                    origin.Put(Bucket, Cold(one), ContentOf(one + 1));
            },
            origin => new ThawSettings
            {
                Mounts =
                [
                    new MountSettings("models", $"s3://{Bucket}") { Endpoint = origin.Endpoint, Revalidate = "1h" },
                ],
                HasPosix = true,
                OpenWait = openWait,
                Disks = disk is null ? [] : [disk],
            },
            Stop, listening);
        try
        {
            await new Command(Places.Executable, "load", "models/whole/", "--wait", "--node", $"{scene.Node.Control}")
                .RunAsync(Stop);
            Assert.Equal(Sum(0), await SumAsync(scene, Whole));
            return scene;
        }
        catch
        {
            await scene.DisposeAsync();
            throw;
        }
    }

    /// <summary>A reader that has got its first bytes, of a file that comes slowly.</summary>
    private static async Task<Process> StartReaderAsync(Scene scene, int cold, TempFolder folder)
    {
        scene.Origin.Bandwidth = new SharedBandwidth(SlowBytesPerSecond);
        var command = Dd(scene, cold, folder);
        var reader = Process.Start(
            new ProcessStartInfo(command.Program, command.Arguments) { RedirectStandardError = true })!;
        await Eventually.HoldsAsync(
            "the reader has begun",
            () => ValueTask.FromResult(new FileInfo(folder[$"copy-{cold}"]) is { Exists: true, Length: > 0 }),
            scene.Describe, Patience, Stop);
        Assert.False(reader.HasExited);
        return reader;
    }

    private static Command Dd(Scene scene, int cold, TempFolder folder) => new(
        "dd", $"if={PathOf(scene, Cold(cold))}", $"of={folder[$"copy-{cold}"]}", "bs=64k", "status=none");

    /// <summary>What has been read are the right bytes; how many.</summary>
    private static async Task<long> CheckCopyAsync(int cold, TempFolder folder)
    {
        var read = await File.ReadAllBytesAsync(folder[$"copy-{cold}"], Stop);
        Assert.True(
            read.AsSpan().SequenceEqual(ContentOf(cold + 1).ToArray(0, read.Length)), $"{read.Length} bytes are wrong");
        return read.Length;
    }

    /// <summary>Processes with the tree in their command line that cannot be killed (proc(5), state D).</summary>
    private static IReadOnlyList<string> Stuck(Scene scene) =>
    [
        .. Directory.GetDirectories("/proc").Where(path => char.IsDigit(Path.GetFileName(path)[0]))
            .Select(path => (Stat: TryRead($"{path}/stat"), Line: TryRead($"{path}/cmdline")))
            .Where(one => one.Line.Contains(scene.Node.Tree, StringComparison.Ordinal)
                && one.Stat[(one.Stat.LastIndexOf(')') + 1)..].StartsWith(" D", StringComparison.Ordinal))
            .Select(one => $"{one.Line} {one.Stat}"),
    ];

    private static string TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // it has ended
        }
    }

    private static string Cold(int number) => $"cold-{number}/model.gguf";

    private static FakeContent ContentOf(int seed) => FakeContent.Of(Size, 10 + seed);

    private static string Sum(int seed) => ContentOf(seed).Sha256();

    private static string PathOf(Scene scene, string key) => Path.Combine(scene.Node.Tree, "models", key);

    private static async Task<string> SumAsync(Scene scene, string key) =>
        (await new Command("sha256sum", PathOf(scene, key)) { Limit = Patience }.RunAsync(Stop))[..64];
}
