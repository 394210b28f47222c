using Thaw.Testing.Origins;

namespace Thaw.Tests.Origins;

public sealed class DirectoryBehaviorTests : OriginBehavior
{
    protected override Task<OriginUnderTest> StartAsync() =>
        Task.FromResult<OriginUnderTest>(new DirectoryOriginUnderTest());
}
