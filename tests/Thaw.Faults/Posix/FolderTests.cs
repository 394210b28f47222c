using System.Globalization;
using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>A folder of more names than one page of a listing has: all of them, once, and none kept for ever.</summary>
[Trait("Category", "Server")]
public sealed class FolderTests
{
    private const int Objects = 2500;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_large_folder_is_listed_whole_and_its_nodes_go_when_the_kernel_forgets_them()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        await using var scene = await Scene.StartAsync(
            origin =>
            {
                origin.AddBucket("bucket");
                foreach (var name in Names)
                    origin.Put("bucket", $"many/{name}", FakeContent.Of(10, 1));
            },
            origin => new ThawSettings
            {
                Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint }],
                HasPosix = true,
            },
            Stop);
        var list = new Command("ls", "-l", Path.Combine(scene.Node.Tree, "models", "many"))
        {
            Limit = TimeSpan.FromSeconds(60),
        };
        for (var turn = 0; turn < 2; turn++)
        {
            var lines = (await list.RunAsync(Stop)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(Names, lines[1..].Select(line => line.Split(' ')[^1]));
        }

        // A listing costs pages and no questions for each name, only one for the folder's own.
        Assert.Single(scene.Origin.Log.Heads);
        Assert.InRange((await scene.Node.GetStatsAsync(Stop)).Posix.Nodes, Objects, Objects + 10);
        await File.WriteAllTextAsync("/proc/sys/vm/drop_caches", "2", Stop);
        await Eventually.HoldsAsync(
            "the nodes are forgotten",
            async () => (await scene.Node.GetStatsAsync(Stop)).Posix.Nodes <= 10,
            () => scene.Node.Log, TimeSpan.FromSeconds(30), Stop);
        Assert.Equal(Objects + 1, (await list.RunAsync(Stop)).Count(letter => letter == '\n'));
    }

    private static IEnumerable<string> Names => Enumerable.Range(0, Objects)
        .Select(number => number.ToString("'shard-'0000'.bin'", CultureInfo.InvariantCulture));
}
