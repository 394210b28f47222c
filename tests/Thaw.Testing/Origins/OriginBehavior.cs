using Thaw.Core.Chunks;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Xunit;

namespace Thaw.Testing.Origins;

/// <summary>What every connector does; each derives its own run. Nothing here is particular to one of them.</summary>
public abstract class OriginBehavior : IAsyncLifetime
{
    /// <summary>Keys that any part between user and disk may mangle.</summary>
    public static TheoryData<string> OddKeys =>
    [
        "with space/and  two", "ünï/çødé", "😀/emoji", "100%", "%41%2Fescaped", "a+b=c&d", "~'()!*",
        "semi;colon:at@,dollar$",
        "question?mark#hash", "back\\slash", "\"quotes\"<xml>&amp;", "tab\there", "...dots/..two.",
        "[brackets]{braces}|^`",
    ];

    /// <summary>Keys that only object stores have.</summary>
    public static TheoryData<string> UnpathlikeKeys => ["double//slash", "/leading", "trailing/", "a///b"];

    /// <summary>The connector of this test.</summary>
    protected OriginUnderTest Subject { get; private set; } = null!;

    /// <summary>Makes a connector to an empty place.</summary>
    protected abstract Task<OriginUnderTest> StartAsync();

    /// <inheritdoc />
    public async ValueTask InitializeAsync() => Subject = await StartAsync();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Subject.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task HeadTellsSizeTagAndTime()
    {
        var before = DateTimeOffset.UtcNow.AddMinutes(-1);
        await Subject.PutAsync("a/b.bin", new byte[1234]);
        var version = await HeadAsync("a/b.bin");
        Assert.Equal(1234, version.SizeBytes);
        Assert.Matches("^(W/)?\"[^\"]+\"$", version.ETag);
        Assert.InRange(version.LastModified, before, DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(0, version.LastModified.Ticks % TimeSpan.TicksPerSecond);
        var again = await HeadAsync("a/b.bin");
        Assert.Equal((version.Id, version.ETag, version.Sum), (again.Id, again.ETag, again.Sum));
    }

    [Fact]
    public async Task MissingIsNotFound()
    {
        await Subject.PutAsync("there/is", [1]);
        foreach (var key in (string[])["missing", "there", "there/is/not", "there/i", "there/is2"])
        {
            var answer = await Subject.Origin.HeadAsync(key, CancellationToken.None);
            Assert.Equal((key, FailureKind.NotFound), (key, answer.Failure?.Kind));
        }

        var version = await HeadAsync("there/is");
        await Subject.DeleteAsync("there/is");
        var read = await OriginUnderTest.ReadAsync(Subject.Origin, "there/is", version, ByteRange.All(1));
        Assert.Equal(FailureKind.NotFound, read.Failure?.Kind);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(65_537)]
    [InlineData(3_000_001)]
    public async Task WholeObjectsArrive(int sizeBytes)
    {
        var content = FakeContent.Of(sizeBytes, sizeBytes).ToArray();
        await Subject.PutAsync("whole", content);
        var version = await HeadAsync("whole");
        Assert.Equal(content,
            (await OriginUnderTest.ReadAsync(Subject.Origin, "whole", version, ByteRange.All(sizeBytes))).Value);
    }

    [Fact]
    public async Task EmptyObjectsAreObjects()
    {
        await Subject.PutAsync("empty", []);
        Assert.Equal(0, (await HeadAsync("empty")).SizeBytes);
        Assert.Equal(0, Assert.Single((await ListAsync(new ListRequest("", null, "", 10))).Entries).SizeBytes);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 99_999)]
    [InlineData(1, 1)]
    [InlineData(99_999, 1)]
    [InlineData(50_000, 50_000)]
    [InlineData(12_345, 54_321)]
    public async Task RangesArrive(int start, int length)
    {
        var content = FakeContent.Of(100_000, 7).ToArray();
        await Subject.PutAsync("ranges", content);
        var range = new ByteRange(start, length);
        var read = await OriginUnderTest.ReadAsync(
            Subject.Origin, "ranges", await HeadAsync("ranges"), range, pieceBytes: 777);
        Assert.Equal(content[start..(start + length)], read.Value);
    }

    [Theory]
    [InlineData(0, 11)]
    [InlineData(10, 1)]
    [InlineData(0, 0)]
    public async Task RangesOutsideAreRefused(int start, int length)
    {
        await Subject.PutAsync("short", new byte[10]);
        var read = await OriginUnderTest.ReadAsync(
            Subject.Origin, "short", await HeadAsync("short"), new ByteRange(start, length));
        Assert.Equal(FailureKind.InvalidRange, read.Failure?.Kind);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(10)]
    [InlineData(2000)]
    public async Task OverwrittenIsAnotherVersion(int newSizeBytes)
    {
        await Subject.PutAsync("pinned", FakeContent.Of(1000, 1).ToArray());
        var old = await HeadAsync("pinned");
        await Subject.PutAsync("pinned", FakeContent.Of(newSizeBytes, 2).ToArray());
        var read = await OriginUnderTest.ReadAsync(Subject.Origin, "pinned", old, new ByteRange(500, 500));
        Assert.Equal((FailureKind.VersionChanged, RetryAdvice.Never), (read.Failure?.Kind, read.Failure?.Retry));
        var now = await HeadAsync("pinned");
        Assert.NotEqual(old.Id, now.Id);
        Assert.NotEqual(old.ETag, now.ETag);
        Assert.Equal(FakeContent.Of(newSizeBytes, 2).ToArray(),
            (await OriginUnderTest.ReadAsync(Subject.Origin, "pinned", now, ByteRange.All(newSizeBytes))).Value);
    }

    [Theory]
    [MemberData(nameof(OddKeys))]
    public Task OddKeysAreThemselves(string key) => RoundTripAsync(key);

    [Theory]
    [MemberData(nameof(UnpathlikeKeys))]
    public async Task UnpathlikeKeysAreThemselvesOrAreNot(string key)
    {
        if (Subject.HasAnyKey)
        {
            await RoundTripAsync(key);
            return;
        }

        await Subject.PutAsync(key.Trim('/').Replace("//", "/", StringComparison.Ordinal)
            .Replace("//", "/", StringComparison.Ordinal), [1]);
        Assert.Contains((await Subject.Origin.HeadAsync(key, CancellationToken.None)).Failure?.Kind,
            new FailureKind?[] { FailureKind.NotFound, FailureKind.InvalidRequest });
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("a/../../escape")]
    [InlineData("a/..")]
    [InlineData("..")]
    public async Task KeysCannotLeaveTheMount(string key)
    {
        await Subject.PutAsync("a/b", [1]);
        Assert.Equal(
            FailureKind.InvalidRequest, (await Subject.Origin.HeadAsync(key, CancellationToken.None)).Failure?.Kind);
        var read = await OriginUnderTest.ReadAsync(Subject.Origin, key, await HeadAsync("a/b"), ByteRange.All(1));
        Assert.Equal(FailureKind.InvalidRequest, read.Failure?.Kind);
        var page = await Subject.Origin.ListAsync(new ListRequest("../", null, "", 10), CancellationToken.None);
        Assert.Empty(page.Value.Entries);
    }

    [Fact]
    public async Task MetadataAndContentTypeComeAlong()
    {
        var metadata = new Dictionary<string, string> { ["Model-Name"] = "llama", ["sha"] = "abc def" };
        await Subject.PutAsync("described", [1, 2], "application/json", metadata);
        var version = await HeadAsync("described");
        Assert.Equal(Subject.HasMetadata ? "application/json" : null, version.ContentType);
        Assert.Equal(
            Subject.HasMetadata
                ? [new("model-name", "llama"), new("sha", "abc def")]
                : Array.Empty<KeyValuePair<string, string>>(),
            version.Metadata);
    }

    [Fact]
    public async Task CancelledReadsThrowAndHarmNobody()
    {
        var content = FakeContent.Of(4 << 20, 3).ToArray();
        await Subject.PutAsync("big", content);
        var version = await HeadAsync("big");
        using var cancel = new CancellationTokenSource();
        var read = new OriginRead("big", version, ByteRange.All(content.Length), OriginCause.Reader);
        await using (var body = (await Subject.Origin.OpenAsync(read, cancel.Token)).Value)
        {
            Assert.True((await body.ReadAsync(new byte[100], cancel.Token)).Value > 0);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
                await body.ReadAsync(new byte[1 << 20], cancel.Token));
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Subject.Origin.OpenAsync(read, cancel.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Subject.Origin.HeadAsync("big", cancel.Token));
        Assert.Equal(content,
            (await OriginUnderTest.ReadAsync(Subject.Origin, "big", version, ByteRange.All(content.Length))).Value);
    }

    [Fact]
    public async Task ListingsFollowTheModel() => await ListingModel.CheckAsync(Subject);

    private async Task RoundTripAsync(string key)
    {
        var content = FakeContent.Of(100, 5).ToArray();
        await Subject.PutAsync(key, content);
        var version = await HeadAsync(key);
        Assert.Equal(
            content, (await OriginUnderTest.ReadAsync(Subject.Origin, key, version, ByteRange.All(100))).Value);
        var entry = Assert.Single((await ListAsync(new ListRequest(key, null, "", 10))).Entries);
        Assert.Equal((key, 100L, version.ETag), (entry.Key, entry.SizeBytes, entry.ETag));
    }

    private async Task<ObjectVersion> HeadAsync(string key)
    {
        var answer = await Subject.Origin.HeadAsync(key, CancellationToken.None);
        Assert.True(answer.IsOk, answer.Failure?.Message);
        return answer.Value;
    }

    private async Task<ListPage> ListAsync(ListRequest request)
    {
        var answer = await Subject.Origin.ListAsync(request, CancellationToken.None);
        Assert.True(answer.IsOk, answer.Failure?.Message);
        return answer.Value;
    }
}
