using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Chunks;
using Thaw.Core.Configuration;
using Thaw.Core.Contracts;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Core.Metering;
using Thaw.Origins;
using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

/// <summary>The S3 connector with all its layers at a faulty server, on a clock that the test moves.</summary>
internal sealed class OriginBench : IAsyncDisposable
{
    public const string Bucket = "bench";

    private static readonly TimeSpan WaitMost = TimeSpan.FromSeconds(30);

    private readonly OriginFactory _factory;

    private OriginBench(FaultyOrigin server, OriginsConfig limits)
    {
        Server = server;
        _factory = new OriginFactory(limits, NullLoggerFactory.Instance, Time, jitter: () => 0.5);
        Origin = _factory.Create(S3OriginUnderTest.MountOf(server.Endpoint, Bucket), Meter);
    }

    public FaultyOrigin Server { get; }

    public FakeTimeProvider Time { get; } = new();

    public MountMeter Meter { get; } = new("models");

    public MountOrigin Origin { get; }

    public static async Task<OriginBench> StartAsync(OriginsConfig? limits = null)
    {
        var server = await FaultyOrigin.StartAsync();
        server.AddBucket(Bucket);
        return new OriginBench(server, limits ?? new OriginsConfig());
    }

    /// <summary>Puts generated content and asks for its version.</summary>
    public async Task<(FakeContent Content, ObjectVersion Version)> PutAsync(string key, long sizeBytes)
    {
        var content = FakeContent.Of(sizeBytes, 11);
        Server.Put(Bucket, key, content);
        return (content, (await Origin.HeadAsync(key, CancellationToken.None)).Value);
    }

    /// <summary>Another mount of the same bucket.</summary>
    public MountOrigin AnotherMount(MountMeter meter) =>
        _factory.Create(S3OriginUnderTest.MountOf(Server.Endpoint, Bucket) with { Name = "other" }, meter);

    public Task<Result<IOriginBody>> OpenAsync(string key, ObjectVersion version) =>
        Origin.OpenAsync(new OriginRead(key, version, ByteRange.All(version.SizeBytes), OriginCause.Load),
            CancellationToken.None).AsTask();

    public Task<Result<byte[]>> ReadAsync(string key, ObjectVersion version) =>
        OriginUnderTest.ReadAsync(Origin, key, version, ByteRange.All(version.SizeBytes));

    /// <summary>Moves the clock on until the work is done; real time passes only while the server answers.</summary>
    public async Task<T> FastForwardAsync<T>(Task<T> work, TimeSpan step, string phase)
    {
        var end = DateTime.UtcNow + WaitMost;
        while (await Task.WhenAny(work, Task.Delay(2)) != work)
        {
            Assert.True(
                DateTime.UtcNow < end, $"{phase} is not done; requests: {string.Join("; ", Server.Log.Requests)}.");
            Time.Advance(step);
        }

        return await work;
    }

    /// <summary>Waits for a condition.</summary>
    public async Task UntilAsync(Func<bool> condition, string phase)
    {
        await Eventually.HoldsAsync(
            phase, () => ValueTask.FromResult(condition()), () => $"requests: {string.Join("; ", Server.Log.Requests)}",
            WaitMost, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Origin.DisposeAsync();
        _factory.Dispose();
        await Server.DisposeAsync();
    }
}
