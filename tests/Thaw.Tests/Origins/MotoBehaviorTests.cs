using Thaw.Testing;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Tests.Origins;

public sealed class MotoBehaviorTests(MotoBehaviorTests.Server server) : OriginBehavior, IClassFixture<MotoBehaviorTests.Server>
{
    protected override async Task<OriginUnderTest> StartAsync() =>
        await S3OriginUnderTest.StartAsync(server.Moto.Endpoint, "behavior");

    public sealed class Server : IAsyncLifetime
    {
        public MotoServer Moto { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Moto = await MotoServer.StartAsync();

        public ValueTask DisposeAsync() => Moto.DisposeAsync();
    }
}
