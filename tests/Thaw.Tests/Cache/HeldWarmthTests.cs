using Thaw.Core.Chunks;
using Thaw.Core.Identity;
using Xunit;

namespace Thaw.Tests.Cache;

/// <summary>A file that is read through the mount is warm for the eviction, however the kernel reads it.</summary>
public sealed class HeldWarmthTests
{
    private const int Chunk = Geometry.ChunkBytes;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("nothing")]
    [InlineData("passthrough")]
    [InlineData("pages")]
    public async Task What_is_read_through_the_mount_stays(string readBy)
    {
        await using var house = await CacheHouse.StartAsync(capacityBytes: 2 * Chunk);
        var contents = new[] { "held", "other", "third" }.ToDictionary(
            key => key, key => house.Put(key, Chunk, key.Length + key[0]));
        await house.AssertReadsAsync("held", contents["held"]);
        for (var use = 0; use < 2; use++)
            await house.AssertReadsAsync("other", contents["other"]);
        await house.IsIdleAsync();
        var held = (await house.ResolveAsync("held")).Value;
        var other = (await house.ResolveAsync("other")).Value;
        for (var use = 0; use < 6 && readBy != "nothing"; use++)
            await OpenAsync(house, held, readBy == "passthrough");
        for (var use = 0; use < 2; use++)
            await house.AssertReadsAsync("third", contents["third"]);
        await house.IsIdleAsync();
        var (stays, goes) = readBy == "nothing" ? (other, held) : (held, other);
        Assert.Equal(Chunk, house.Store.PresentBytesOf(stays.Id));
        Assert.Equal(0, house.Store.PresentBytesOf(goes.Id));
    }

    private static async Task OpenAsync(CacheHouse house, ObjectVersion version, bool isPassthrough)
    {
        using var file = await house.Cache.Files.HoldAsync(new ObjectPath("models", "held"), version, Stop);
        if (isPassthrough)
        {
            Assert.NotNull(await file.SealAsync(Stop));
            file.NotePassthrough();
            return;
        }

        var bytes = new byte[Chunk];
        for (var done = 0; done < Chunk;)
        {
            var read = await file.ReadAsync(done, bytes.AsMemory(done), Stop);
            Assert.True(read.TryGet(out var count, out _) && count > 0);
            done += count;
        }
    }
}
