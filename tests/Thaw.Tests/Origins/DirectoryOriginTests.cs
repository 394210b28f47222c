using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Metering;
using Thaw.Origins.Directory;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class DirectoryOriginTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _outside = new();
    private readonly TemporaryDirectory _root = new();
    private readonly DirectoryOrigin _origin;

    public DirectoryOriginTests()
    {
        _origin = new DirectoryOrigin(_root.Path, NullLogger<DirectoryOrigin>.Instance);
        File.WriteAllText(_outside["secret"], "secret");
        Directory.CreateDirectory(_root["blobs"]);
        File.WriteAllText(_root["blobs/1"], "blob");
    }

    public async ValueTask DisposeAsync()
    {
        await _origin.DisposeAsync();
        await ShellAsync("find \"$1\" -name 'bad*' -delete", _root.Path);
        _root.Dispose();
        _outside.Dispose();
    }

    [Fact]
    public async Task RelativeLinksWithinTheRootAreFollowed()
    {
        Directory.CreateDirectory(_root["snapshots"]);
        File.CreateSymbolicLink(_root["snapshots/model"], "../blobs/1");
        Directory.CreateSymbolicLink(_root["linked"], "blobs");
        Assert.Equal(["blobs/1", "linked/1", "snapshots/model"], await KeysAsync());
        foreach (var key in await KeysAsync())
            Assert.Equal(4, (await _origin.HeadAsync(key, CancellationToken.None)).Value.SizeBytes);
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("../{0}/secret")]
    [InlineData("blobs/../../{0}/secret")]
    public async Task LinksOutOfTheRootAreRefused(string target)
    {
        target = target == "secret" ? _outside["secret"] : string.Format(null, target, Path.GetFileName(_outside.Path));
        File.CreateSymbolicLink(_root["leak"], target);
        Directory.CreateSymbolicLink(_root["leaks"], Path.GetDirectoryName(target)!);
        Assert.Equal("secret", File.ReadAllText(_root["leak"]));
        Assert.Equal(["blobs/1"], await KeysAsync());
        Assert.Empty(await KeysAsync("leaks/"));
        foreach (var key in (string[])["leak", "leaks/secret"])
        {
            Assert.Equal(
                FailureKind.AccessDenied, (await _origin.HeadAsync(key, CancellationToken.None)).Failure?.Kind);
            var version = (await _origin.HeadAsync("blobs/1", CancellationToken.None)).Value;
            var read = await OriginUnderTest.ReadAsync(_origin, key, version, ByteRange.All(4));
            Assert.Equal(FailureKind.AccessDenied, read.Failure?.Kind);
        }
    }

    [Fact]
    public async Task LoopsOfLinksEnd()
    {
        Directory.CreateSymbolicLink(_root["blobs/up"], "..");
        File.CreateSymbolicLink(_root["self"], "self");
        Assert.Equal(["blobs/1"], await KeysAsync());
    }

    [Fact]
    public async Task OnlyRegularFilesAreObjects()
    {
        using (var fifo = Process.Start("mkfifo", _root["pipe"]))
            await fifo.WaitForExitAsync();
        Directory.CreateDirectory(_root["empty/inner"]);
        File.CreateSymbolicLink(_root["dangling"], "nowhere");
        Assert.Equal(["blobs/1"], await KeysAsync());
        Assert.Equal(["blobs/"], await KeysAsync(delimiter: "/"));
        foreach (var key in (string[])["pipe", "empty", "dangling"])
            Assert.Equal(FailureKind.NotFound, (await _origin.HeadAsync(key, CancellationToken.None)).Failure?.Kind);
    }

    [Fact]
    public async Task NamesThatAreNoUtf8AreSkippedAndCounted()
    {
        await AddBadNameAsync(_root.Path);
        Assert.Equal(2, Directory.GetFileSystemEntries(_root.Path).Length);
        Assert.Equal(["blobs/1"], await KeysAsync());
        Assert.Equal(1, _origin.SkippedNames);
    }

    [Fact]
    public async Task AChangeWhileReadingEndsTheRead()
    {
        var content = FakeContent.Of(1000, 1).ToArray();
        await File.WriteAllBytesAsync(_root["key"], content);
        var version = (await _origin.HeadAsync("key", CancellationToken.None)).Value;
        var read = new OriginRead("key", version, ByteRange.All(1000), OriginCause.Reader);
        await using var body = (await _origin.OpenAsync(read, CancellationToken.None)).Value;
        Assert.Equal(100, (await body.ReadAsync(new byte[100], CancellationToken.None)).Value);
        await using (var writer = File.OpenWrite(_root["key"]))
        {
            writer.Position = 999;
            writer.WriteByte(0);
        }

        Assert.Equal(
            FailureKind.VersionChanged, (await body.ReadAsync(new byte[100], CancellationToken.None)).Failure?.Kind);
    }

    [Fact]
    public async Task VersionsAreWeakAndTheirTagsNoMd5()
    {
        var version = (await _origin.HeadAsync("blobs/1", CancellationToken.None)).Value;
        Assert.True(version.IsWeak);
        Assert.Null(version.Sum);
        Assert.Matches("^\"[0-9a-f]{32}-1\"$", version.ETag);
    }

    [Fact]
    public async Task ALostRootIsNoEmptyOne()
    {
        var lost = new DirectoryOrigin(_root["not-mounted"], NullLogger<DirectoryOrigin>.Instance);
        Assert.Equal(
            FailureKind.OriginUnavailable, (await lost.HeadAsync("key", CancellationToken.None)).Failure?.Kind);
        var page = await lost.ListAsync(new ListRequest("", null, "", 10), CancellationToken.None);
        Assert.Equal((FailureKind.OriginUnavailable, RetryAdvice.Later), (page.Failure?.Kind, page.Failure?.Retry));
    }

    [Fact]
    public async Task DirectoriesOutsideOfTheQuestionAreNotRead()
    {
        foreach (var name in (string[])["a", "b", "c"])
        {
            Directory.CreateDirectory(_root[name]);
            File.WriteAllText(_root[name + "/file"], "");
            await AddBadNameAsync(_root[name]);
        }

        // Each directory that is read counts its bad name once.
        Assert.Equal(["b/file"], await KeysAsync("b/"));
        Assert.Equal(1, _origin.SkippedNames);
        Assert.Equal(["c/file"], await KeysAsync(startAfter: "blobs/1"));
        Assert.Equal(2, _origin.SkippedNames);
        Assert.Equal(["a/", "b/", "blobs/", "c/"], await KeysAsync(delimiter: "/"));
    }

    /// <summary>The shell can make and remove the name that .NET cannot.</summary>
    private static Task AddBadNameAsync(string directory) =>
        ShellAsync("printf x > \"$1/$(printf 'bad\\377')\"", directory);

    private static async Task ShellAsync(string script, string argument)
    {
        using var shell = Process.Start("sh", ["-c", script, "sh", argument]);
        await shell.WaitForExitAsync();
        Assert.Equal(0, shell.ExitCode);
    }

    private async Task<List<string>> KeysAsync(string prefix = "", string? delimiter = null, string startAfter = "")
    {
        var page = await _origin.ListAsync(
            new ListRequest(prefix, delimiter, startAfter, 1000), CancellationToken.None);
        Assert.True(page.IsOk, page.Failure?.Message);
        return [.. page.Value.Entries.Select(entry => entry.Key)];
    }
}
