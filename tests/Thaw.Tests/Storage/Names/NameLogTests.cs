using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Thaw.Core.Checksums;
using Thaw.Storage.Names;
using Xunit;

namespace Thaw.Tests.Storage.Names;

public sealed class NameLogTests : IDisposable
{
    private readonly NameDirectory _directory = new();
    private readonly NameLines _lines = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_newer_format_is_left_untouched()
    {
        await WriteAsync("a");
        var bytes = File.ReadAllBytes(_directory.Log);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 2);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Compute(bytes.AsSpan(0, 124)));
        File.WriteAllBytes(_directory.Log, bytes);
        await using (var table = NameSamples.Open(_directory.Log, logger: _lines))
        {
            Assert.Contains("format 2", table.LogProblem);
            Assert.Equal(0, table.Count);
            Assert.True(table.Put(NameSamples.Entry("b", 2)));
            Assert.True(table.TryGet("b", out _));
            Assert.False(await table.FlushAsync(CancellationToken.None));
        }

        Assert.Equal(bytes, File.ReadAllBytes(_directory.Log));
        Assert.Contains("newer", Assert.Single(_lines.Lines));
    }

    [Fact]
    public async Task A_torn_tail_is_cut_at_the_last_good_record()
    {
        var ends = await WriteAsync("a", "b", "c");
        using (var file = File.OpenWrite(_directory.Log))
            file.SetLength(ends[2] - 3);
        await using var table = NameSamples.Open(_directory.Log, logger: _lines);
        Assert.Equal(["a", "b"], table.All().Select(entry => entry.Key));
        Assert.Equal(ends[1], new FileInfo(_directory.Log).Length);
        Assert.Contains($"{ends[2] - 3 - ends[1]} bytes", Assert.Single(_lines.Lines));
    }

    [Fact]
    public async Task Damage_in_the_middle_keeps_what_follows_and_distrusts_what_came_before()
    {
        var ends = await WriteAsync("a", "b", "c");
        var bytes = File.ReadAllBytes(_directory.Log);
        bytes[ends[0]] ^= 0x40; // the length itself: framing is lost
        File.WriteAllBytes(_directory.Log, bytes);
        await using (var table = NameSamples.Open(_directory.Log, logger: _lines))
        {
            Assert.Equal(["a", "c"], table.All().Select(entry => entry.Key));
            Assert.True(table.TryGet("a", out var before) && table.TryGet("c", out var behind)
                && before.LastAsked == DateTimeOffset.MinValue && behind.LastAsked != DateTimeOffset.MinValue);
            Assert.True(await table.FlushAsync(CancellationToken.None));
        }

        Assert.Contains("1 stretches", Assert.Single(_lines.Lines));
        var clean = new NameLines();
        await using var again = NameSamples.Open(_directory.Log, logger: clean);
        Assert.Equal(2, again.Count);
        Assert.Empty(clean.Lines);
    }

    [Fact]
    public async Task A_record_at_another_place_or_of_another_mount_does_not_check()
    {
        var ends = await WriteAsync("a", "b");
        var bytes = File.ReadAllBytes(_directory.Log);
        var first = bytes[NameLogHeader.Bytes..(int)ends[0]];
        File.WriteAllBytes(_directory.Log, [.. bytes, .. first]);
        await using (var table = NameSamples.Open(_directory.Log, logger: _lines))
            Assert.Equal(2, table.Count);
        Assert.Contains($"{first.Length} bytes", Assert.Single(_lines.Lines));

        await using (var other = NameTable.Open("others", _directory.Log, TimeProvider.System, _lines))
            Assert.Equal(0, other.Count);
        Assert.True(File.Exists(_directory.Log + ".unreadable"));
    }

    [Fact]
    public async Task A_damaged_header_loses_no_names()
    {
        await WriteAsync("a", "b");
        var bytes = File.ReadAllBytes(_directory.Log);
        bytes[9] ^= 1;
        File.WriteAllBytes(_directory.Log, bytes);
        await using var table = NameSamples.Open(_directory.Log, logger: _lines);
        Assert.Equal(2, table.Count);
    }

    [Fact]
    public async Task A_touch_of_a_lost_version_does_not_confirm_an_older_one()
    {
        long end, next;
        await using (var table = NameSamples.Open(_directory.Log))
        {
            table.Put(NameSamples.Entry("a", 1));
            await table.FlushAsync(CancellationToken.None);
            end = new FileInfo(_directory.Log).Length;
            table.Put(NameSamples.Entry("a", 2));
            await table.FlushAsync(CancellationToken.None);
            next = new FileInfo(_directory.Log).Length;
            table.TouchAsked("a", NameSamples.Start.AddYears(1));
        }

        Assert.True(new FileInfo(_directory.Log).Length > next);
        var bytes = File.ReadAllBytes(_directory.Log);
        bytes[end + 20] ^= 1;
        File.WriteAllBytes(_directory.Log, bytes);
        await using var again = NameSamples.Open(_directory.Log, logger: _lines);
        Assert.True(again.TryGet("a", out var entry));
        Assert.Equal("\"1\"", entry.Version.ETag);
        Assert.Equal(DateTimeOffset.MinValue, entry.LastAsked);
    }

    [Fact]
    public async Task Dead_records_are_compacted_away_and_a_left_over_rewrite_does_no_harm()
    {
        File.WriteAllText(_directory.Log + ".new", "a rewrite that never came to its end");
        await using (var table = NameSamples.Open(_directory.Log))
        {
            var most = 0L;
            for (var round = 0; round < 40; round++)
            {
                for (var i = 0; i < 300; i++)
                    table.Put(NameSamples.Entry($"k{i}", 1000 * round + i));
                Assert.True(await table.FlushAsync(CancellationToken.None));
                most = Math.Max(most, new FileInfo(_directory.Log).Length);
            }

            Assert.InRange(most, NameLogWriter.CompactBytes, 2 * NameLogWriter.CompactBytes);
        }

        await using var again = NameSamples.Open(_directory.Log);
        Assert.Equal(300, again.Count);
        Assert.All(again.All(), entry => Assert.True(entry.Version.SizeBytes >= 39_000));
    }

    [Fact]
    public async Task A_full_disk_fails_no_put_is_logged_once_and_catches_up()
    {
        Assert.SkipUnless(Environment.UserName == "root", "mounting a small tmpfs needs root");
        Mount("tmpfs", "-t", "tmpfs", "-o", "size=64k");
        var time = new FakeTimeProvider(NameSamples.Start);
        try
        {
            await using (var table = NameSamples.Open(_directory.Log, time, _lines))
            {
                for (var i = 0; i < 2000; i++)
                    Assert.True(table.Put(NameSamples.Entry($"k{i}", i)));
                Assert.False(await table.FlushAsync(CancellationToken.None));
                Assert.False(await table.FlushAsync(CancellationToken.None));
                Assert.Contains("space", table.LogProblem);
                Assert.Single(_lines.Lines);
                Assert.Equal(2000, table.Count);
                Mount("tmpfs", "-o", "remount,size=16m");
                time.Advance(NameLogWriter.RetryAfter);
                await NameTableTests.Until(() => table.LogProblem is null, () => $"retry: {table.LogProblem}");
            }

            await using var again = NameSamples.Open(_directory.Log);
            Assert.Equal(2000, again.Count);
        }
        finally
        {
            Execute("umount", _directory.Path);
        }
    }

    private void Mount(string source, params string[] options) =>
        Execute("mount", [.. options, source, _directory.Path]);

    private static void Execute(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(20)), $"{program} does not end");
        Assert.Equal(0, process.ExitCode);
    }

    // Writes names one by one; the offsets behind each record.
    private async Task<List<long>> WriteAsync(params string[] keys)
    {
        var ends = new List<long>();
        await using var table = NameSamples.Open(_directory.Log);
        foreach (var key in keys)
        {
            table.Put(NameSamples.Entry(key, ends.Count + 1));
            Assert.True(await table.FlushAsync(CancellationToken.None));
            ends.Add(new FileInfo(_directory.Log).Length);
        }

        return ends;
    }
}
