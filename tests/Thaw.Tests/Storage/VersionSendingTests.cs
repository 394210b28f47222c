using Thaw.Core.Chunks;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>What a node needs to send a stored chunk without reading it.</summary>
public sealed class VersionSendingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(100)]
    [InlineData(Geometry.ChunkBytes + Geometry.BlockBytes + 7)]
    public async Task A_chunk_is_found_in_its_file_with_the_list_of_the_map(int size)
    {
        await using var house = new StoreHouse();
        var (version, bytes) = (SampleVersions.Of(size, 1), SampleVersions.Bytes(size, 1));
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        await house.Store.DisposeAsync();
        using var lease = (await (await house.StartAsync()).LeaseAsync(version.Id, Stop))!;
        for (var chunk = 0; chunk < lease.Version.ChunkCount; chunk++)
        {
            var (file, offset, crcs) = (await lease.Version.TryLocateAsync(chunk, Stop))!.Value;
            var range = ByteRange.OfChunk(size, chunk);
            var read = new byte[range.Length];
            Assert.Equal(read.Length, RandomAccess.Read(file, read, offset));
            Assert.True(bytes.AsSpan((int)range.Start, read.Length).SequenceEqual(read));
            Assert.Equal(SampleVersions.BlockCrcs(read), crcs);
        }
    }

    [Fact]
    public async Task A_chunk_that_is_not_here_or_not_good_any_more_is_not_sent()
    {
        const int size = Geometry.ChunkBytes + 5;
        await using var house = new StoreHouse();
        var (version, bytes) = (SampleVersions.Of(size, 2), SampleVersions.Bytes(size, 2));
        var store = await house.StartAsync();
        await SampleVersions.WriteAsync(store, version, bytes, 0);
        using (var held = (await store.LeaseAsync(version.Id, Stop))!)
        {
            Assert.NotNull(await held.Version.TryLocateAsync(0, Stop));
            Assert.Null(await held.Version.TryLocateAsync(1, Stop));
            Assert.False(await held.Version.CheckAsync(1, Stop));
            Assert.True(await held.Version.CheckAsync(0, Stop));
        }

        FlipBit(house.PathOf(version, ".data"));
        using var lease = (await store.LeaseAsync(version.Id, Stop))!;
        Assert.False(await lease.Version.CheckAsync(0, Stop));
        Assert.Null(await lease.Version.TryLocateAsync(0, Stop));
    }

    private static void FlipBit(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var one = new byte[1];
        RandomAccess.Read(file, one, 4711);
        one[0] ^= 1;
        RandomAccess.Write(file, one, 4711);
    }
}
