using Thaw.Core.Chunks;
using Thaw.Core.Failures;
using Thaw.Core.Identity;
using Thaw.Storage.Format;
using Thaw.Storage.Versions;
using Xunit;

namespace Thaw.Tests.Storage;

/// <summary>What a sealed version promises to those who map its file without the store knowing.</summary>
public sealed class SealTests
{
    private const int Chunk = Geometry.ChunkBytes;
    private const long Size = 2L * Chunk + 5;

    [Fact]
    public async Task Only_a_whole_version_is_sealed_and_only_a_sealed_one_gives_its_file()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Size, 60);
        var bytes = SampleVersions.Bytes(Size, 60);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes, 0, 2);
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        Assert.False(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
        Assert.False(lease.Version.IsSealed);
        Assert.Null(lease.Backing);
        await SampleVersions.WriteAsync(house.Store, version, bytes, 1);
        Assert.Null(lease.Backing);
        Assert.True(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
        Assert.True(lease.Version.IsSealed);
        Assert.Equal(bytes, ReadAll(lease));
    }

    [Fact]
    public async Task The_seal_is_on_the_medium_before_the_answer()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Size, 61);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, SampleVersions.Bytes(Size, 61));
        using (var lease = (await house.Store.LeaseAsync(version.Id))!)
        {
            house.Disk.BeforeSync = _ => throw new IOException("no", 5);
            Assert.False(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
            house.Disk.BeforeSync = null;
            Assert.True(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
            await house.Store.WriteVerdictAsync(lease, Verdict.Transport, 7);
            // From here on the medium takes nothing any more.
            house.Disk.BeforeSync = _ => throw new IOException("no", 5);
        }

        await house.Store.DisposeAsync();
        house.Disk.CutPower();
        house.Disk.BeforeSync = null;
        await house.StartAsync();
        using var again = (await house.Store.LeaseAsync(version.Id))!;
        Assert.True(again.Version.IsSealed);
    }

    [Fact]
    public async Task A_sealed_file_takes_its_own_bytes_back_and_never_others()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Size, 62);
        var bytes = SampleVersions.Bytes(Size, 62);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        using var lease = (await house.Store.LeaseAsync(version.Id))!;
        Assert.True(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
        await SampleVersions.WriteAsync(house.Store, version, bytes, 1);
        Assert.False(lease.Version.IsDropped);
        var other = SampleVersions.Bytes(Chunk, 63);
        var refused = await house.Store.WriteChunkAsync(
            lease, new ChunkWrite(1, other, SampleVersions.BlockCrcs(other)));
        Assert.Equal(FailureKind.Corrupt, refused.Failure!.Kind);
        Assert.True(lease.Version.IsDropped);
        Assert.Equal(bytes, ReadAll(lease));
        Assert.False(File.Exists(house.PathOf(version, ".data")));
        // What comes now has a file of its own.
        await SampleVersions.WriteAsync(house.Store, version, SampleVersions.Bytes(Size, 64));
        Assert.Equal(bytes, ReadAll(lease));
    }

    [Fact]
    public async Task Eviction_unlinks_a_sealed_file_and_leaves_its_bytes_to_those_who_have_it_open()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Size, 65);
        var bytes = SampleVersions.Bytes(Size, 65);
        await SampleVersions.WriteAsync(await house.StartAsync(), version, bytes);
        using (var lease = (await house.Store.LeaseAsync(version.Id))!)
            Assert.True(await house.Store.SealAsync(lease, TestContext.Current.CancellationToken));
        using var held = File.OpenHandle(house.PathOf(version, ".data"));
        await house.Store.DropAsync(version.Id);
        var read = new byte[Size];
        Assert.Equal(Size, RandomAccess.Read(held, read, 0));
        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task Bytes_from_before_an_unclean_boot_are_checked_first()
    {
        await using var house = new StoreHouse();
        var (good, bad) = (SampleVersions.Of(Size, 66), SampleVersions.Of(Size, 67));
        await house.StartAsync();
        await SampleVersions.WriteAsync(house.Store, good, SampleVersions.Bytes(Size, 66));
        await SampleVersions.WriteAsync(house.Store, bad, SampleVersions.Bytes(Size, 67));
        house.Disk.BeforeSync = _ => throw new IOException("the machine is gone");
        var entries = (Entries(house, good), Entries(house, bad));
        await house.Store.DisposeAsync();
        house.Disk.BeforeSync = null;
        File.WriteAllBytes(house.PathOf(good, ".map"), entries.Item1);
        File.WriteAllBytes(house.PathOf(bad, ".map"), entries.Item2);
        using (var data = File.OpenHandle(house.PathOf(bad, ".data"), FileMode.Open, FileAccess.Write))
            RandomAccess.Write(data, new byte[4096], Chunk + 8192);
        house.BootId = "second boot";
        await house.StartAsync();
        using var leaseOfGood = (await house.Store.LeaseAsync(good.Id))!;
        using var leaseOfBad = (await house.Store.LeaseAsync(bad.Id))!;
        Assert.True(leaseOfBad.Version.IsComplete);
        Assert.True(await house.Store.SealAsync(leaseOfGood, TestContext.Current.CancellationToken));
        Assert.False(await house.Store.SealAsync(leaseOfBad, TestContext.Current.CancellationToken));
        Assert.Null(leaseOfBad.Backing);
        Assert.Equal(1, house.Store.Counters.LostInCrash);
    }

    [Fact]
    public async Task A_data_file_that_a_crash_left_is_never_written_to()
    {
        await using var house = new StoreHouse();
        var version = SampleVersions.Of(Size, 68);
        var bytes = SampleVersions.Bytes(Size, 68);
        await house.StartAsync();
        var path = house.PathOf(version, ".data");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        using var mapped = File.OpenHandle(path);
        await SampleVersions.WriteAsync(house.Store, version, SampleVersions.Bytes(Size, 69));
        var read = new byte[Size];
        Assert.Equal(Size, RandomAccess.Read(mapped, read, 0));
        Assert.Equal(bytes, read);
    }

    private static byte[] Entries(StoreHouse house, ObjectVersion version) =>
        File.ReadAllBytes(house.PathOf(version, ".map"));

    private static byte[] ReadAll(VersionLease lease)
    {
        var bytes = new byte[lease.Version.SizeBytes];
        Assert.Equal(bytes.Length, RandomAccess.Read(lease.Backing!, bytes, 0));
        return bytes;
    }
}
