using Thaw.Conformance.Servers;
using Thaw.Testing.Origins;
using Xunit;

namespace Thaw.Conformance;

/// <summary>The S3 connector at a real server behaves as every connector does.</summary>
[Collection(RadosgwTests.Name)]
[Trait("Category", "Server")]
public sealed class RadosgwBehaviorTests(Radosgw origin) : OriginBehavior
{
    protected override async Task<OriginUnderTest> StartAsync() =>
        await S3OriginUnderTest.StartAsync(
            origin.Endpoint, $"behavior-{Guid.NewGuid():n}", origin.AccessKey, origin.SecretKey);
}
