using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>Calls of the store that end with the test.</summary>
internal static class StoreCalls
{
    public static ValueTask<VersionLease?> LeaseAsync(this ChunkStore store, ContentId id) =>
        store.LeaseAsync(id, TestContext.Current.CancellationToken);

    public static ValueTask<Result<VersionLease>> LeaseOrCreateAsync(this ChunkStore store, ObjectVersion version) =>
        store.LeaseOrCreateAsync(version, TestContext.Current.CancellationToken);
}
