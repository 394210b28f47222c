using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Identity;
using Thaw.Storage;
using Thaw.Storage.Eviction;
using Thaw.Storage.Versions;
using Thaw.Testing;

namespace Thaw.Tests.Storage;

/// <summary>
/// A store in a folder of its own that can be stopped, killed and started again, under another boot if wanted.
/// </summary>
internal sealed class StoreHouse(long capacityBytes = 1L << 30) : IAsyncDisposable
{
    private const int MapsBytes = 1 << 20;

    private readonly TempFolder _folder = new();

    public string Root => _folder["cache"];

    public FaultyDisk Disk { get; } = new();

    public HashSet<ContentId> Pinned { get; } = [];

    public string BootId { get; set; } = "first boot";

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.Parse("2026-01-01T00:00:00Z", null));

    public IKeepRules? Rules { get; init; }

    public ChunkStore Store { get; private set; } = null!; // started first

    public async Task<ChunkStore> StartAsync()
    {
        // Maps count too, and tests count in chunks.
        Store = ChunkStore.Open([new DiskOptions(Root, capacityBytes + MapsBytes)], new StoreContext(
            NullLogger.Instance, Clock, new StoreCounters(), Disk, Pinned.Contains, BootId)
        {
            Rules = Rules,
        });
        await Store.Scan;
        return Store;
    }

    public string PathOf(ObjectVersion version, string extension) =>
        Path.Combine(Root, "versions", version.Id.ToString()[..2], version.Id + extension);

    public async ValueTask DisposeAsync()
    {
        await (Store?.DisposeAsync() ?? ValueTask.CompletedTask);
        _folder.Dispose();
    }
}
