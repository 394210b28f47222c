using Thaw.Testing;
using Xunit;

namespace Thaw.Faults.Posix;

/// <summary>Whatever would change something is refused as ext4 does that is mounted read-only.</summary>
[Trait("Category", "Server")]
public sealed class ChangeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_are_refused_as_by_ext4_that_is_mounted_read_only()
    {
        Assert.SkipWhen(Fuse.Missing is not null, Fuse.Missing ?? "");
        Assert.SkipUnless(LoopDisk.Missing is null, LoopDisk.Missing ?? "");
        await using var disk = await LoopDisk.MakeAsync("ext4", 8L << 20, Stop);
        var fill = $"mkdir {disk.Path}/folder && printf bytes | tee {disk.Path}/file > {disk.Path}/folder/inner";
        await new Command("sh", "-c", $"{fill} && chmod -R a-w {disk.Path}").RunAsync(Stop);
        await disk.RemountReadOnlyAsync(Stop);
        await using var scene = await Scene.StartAsync(
            origin =>
            {
                origin.Put("bucket", "file", FakeContent.From("bytes"));
                origin.Put("bucket", "folder/inner", FakeContent.From("bytes"));
            },
            origin => new ThawSettings
            {
                Mounts = [new MountSettings("models", "s3://bucket") { Endpoint = origin.Endpoint }],
                HasPosix = true,
            },
            Stop);
        var want = await ChangeAsync(disk.Path);
        Assert.Contains("root, unlink: EROFS", want);
        Assert.Contains("nobody, shared writable mapping: EACCES", want);
        Assert.Equal(want, await ChangeAsync(Path.Combine(scene.Node.Tree, "models")));
        // The kernel itself refuses most of it: nothing has reached the origin.
        Assert.All(scene.Origin.Log.Requests, request => Assert.True(request.Method is "GET" or "HEAD", $"{request}"));
    }

    private static readonly string Script = Path.Combine(Places.Root, "tests/Thaw.Faults/Posix/changes.py");

    private static async Task<string[]> ChangeAsync(string path) =>
        (await new Command("python3", Script, path).RunAsync(Stop)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
