using Thaw.Core.Contracts;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

/// <summary>
/// The faulty server without faults must behave as the real ones: its listings are held to the same model.
/// </summary>
public sealed class FaultyOriginBehaviorTests : OriginBehavior
{
    protected override async Task<OriginUnderTest> StartAsync() => new Subjected(await FaultyOrigin.StartAsync());

    [Fact]
    public void ContentIsAFunctionOfSeedAndOffset()
    {
        var content = FakeContent.Of(10L << 30, 3);
        var whole = content.ToArray(5_000_000_000, 300_000);
        foreach (var (offset, length) in ((int, int)[])[(0, 1), (1, 7), (65_535, 2), (12_345, 200_001), (299_999, 1)])
            Assert.Equal(whole[offset..(offset + length)], content.ToArray(5_000_000_000 + offset, length));
        Assert.NotEqual(content.ToArray(0, 100), content.ToArray(65_536, 100));
        Assert.NotEqual(content.ToArray(0, 100), FakeContent.Of(10L << 30, 4).ToArray(0, 100));
    }

    private sealed class Subjected(FaultyOrigin server) : OriginUnderTest
    {
        private const string Bucket = "bucket";

        public override IOrigin Origin { get; } = ConnectTo(server);

        public override bool HasMetadata => true;

        public override bool HasAnyKey => true;

        public override bool ListsPrefixBehindStart => true;

        public override Task PutAsync(
            string key, byte[] bytes, string? contentType = null, IReadOnlyDictionary<string, string>? metadata = null)
        {
            server.Put(Bucket, "mount/" + key, FakeContent.From(bytes), new FakeObjectOptions
            {
                ContentType = contentType ?? "binary/octet-stream",
                Metadata = metadata ?? new Dictionary<string, string>(),
                LastModified = DateTimeOffset.UtcNow,
            });
            return Task.CompletedTask;
        }

        public override Task DeleteAsync(string key)
        {
            server.Delete(Bucket, "mount/" + key);
            return Task.CompletedTask;
        }

        public override async ValueTask DisposeAsync()
        {
            await Origin.DisposeAsync();
            await server.DisposeAsync();
        }

        private static IOrigin ConnectTo(FaultyOrigin server)
        {
            server.AddBucket(Bucket);
            return Connect(S3OriginUnderTest.MountOf(server.Endpoint, Bucket, "mount/"));
        }
    }
}
