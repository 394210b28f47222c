using Thaw.Core.Units;
using Thaw.Daemon.Checks;
using Thaw.Testing;
using Xunit;

namespace Thaw.Tests.Daemon;

public sealed class HostCheckTests
{
    [Theory]
    [InlineData("6.9.0", CheckState.Ok)]
    [InlineData("6.18.5-amd64", CheckState.Ok)]
    [InlineData("7.0-rc1", CheckState.Ok)]
    [InlineData("6.1.0-37-amd64", CheckState.Warn)]
    [InlineData("nonsense", CheckState.Warn)]
    public void The_kernel_is_asked_for_passthrough(string release, CheckState state)
    {
        using var host = Host("proc/sys/kernel/osrelease", release + "\n");
        Assert.Equal(state, HostChecks.Kernel(new HostFiles(host.FullPath)).State);
    }

    [Theory]
    [InlineData("000001ffffffffff", false, CheckState.Ok)]
    [InlineData("0000000000200000", false, CheckState.Ok)]
    [InlineData("0000000000000000", true, CheckState.Warn)]
    [InlineData("0000000000000000", false, CheckState.Warn)]
    public void Rights_to_mount_are_told(string capabilities, bool hasHelper, CheckState state)
    {
        using var host = Host("proc/self/status", $"Name:\tthaw\nCapEff:\t{capabilities}\n");
        if (hasHelper)
        {
            Directory.CreateDirectory(host["usr/bin"]);
            host.Write("usr/bin/fusermount3", "");
        }

        var check = PosixChecks.Rights(new HostFiles(host.FullPath));
        Assert.Equal(state, check.State);
        Assert.Equal(hasHelper, check.Found.Contains("fusermount3 mounts", StringComparison.Ordinal));
    }

    [Fact]
    public void The_device_is_looked_for()
    {
        using var host = Host("dev/fuse", "");
        Assert.Equal(CheckState.Ok, PosixChecks.Fuse(new HostFiles(host.FullPath)).State);
        File.Delete(host["dev/fuse"]);
        Assert.Contains("missing", PosixChecks.Fuse(new HostFiles(host.FullPath)).Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("overlayfs", 1)]
    [InlineData("ecryptfs", 1)]
    [InlineData("ext4", 0)]
    public void A_cache_on_a_stacked_file_system_is_told(string format, int warnings) =>
        Assert.Equal(warnings, DiskChecks.Passthrough("/cache", format).Count());

    [Theory]
    [InlineData("256", CheckState.Fail)]
    [InlineData("1024", CheckState.Warn)]
    [InlineData("1048576", CheckState.Ok)]
    [InlineData("unlimited", CheckState.Ok)]
    public void Few_open_files_are_told(string soft, CheckState state)
    {
        using var host = Host("proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units\n"
            + $"Max open files            {soft,-20} 1048576              files\n");
        Assert.Equal(state, LimitChecks.Descriptors(new HostFiles(host.FullPath)).State);
    }

    [Theory]
    [InlineData("unlimited", CheckState.Ok, CheckState.Ok, false)]
    [InlineData("17179869184", CheckState.Ok, CheckState.Warn, false)]
    [InlineData("1073741824", CheckState.Fail, CheckState.Warn, true)]
    public void Limits_of_the_process_are_told_and_one_that_would_break_a_node_keeps_it_from_starting(
        string soft, CheckState space, CheckState size, bool refuses)
    {
        using var host = Host("proc/self/limits", string.Concat(
            "Limit                     Soft Limit           Hard Limit           Units\n",
            $"Max file size             {soft,-20} unlimited            bytes\n",
            "Max open files            20000                20000                files\n",
            $"Max address space         {soft,-20} unlimited            bytes\n"));
        var files = new HostFiles(host.FullPath);
        Assert.Equal((space, size), (LimitChecks.AddressSpace(files).State, LimitChecks.FileSize(files).State));
        var refusal = LimitChecks.FindRefusal(files);
        Assert.Equal(refuses, refusal is not null);
        Assert.True(refusal is null || (refusal.Contains("address space", StringComparison.Ordinal)
            && refusal.Contains("4 GiB", StringComparison.Ordinal)), refusal);
    }

    [Theory]
    [InlineData("4096\t131072\t6291456", CheckState.Ok)]
    [InlineData("4096 16384 212992", CheckState.Warn)]
    [InlineData("", CheckState.Warn)]
    public void Small_buffers_are_told(string text, CheckState state)
    {
        using var host = Host("proc/sys/net/ipv4/tcp_rmem", text);
        Assert.Equal(state, HostChecks.Buffers(new HostFiles(host.FullPath), "tcp_rmem", "receive").State);
    }

    [Theory]
    [InlineData("0::/pods/thaw", "sys/fs/cgroup/pods/thaw/memory.max", 512L << 20, CheckState.Fail)]
    [InlineData("0::/pods/thaw", "sys/fs/cgroup/pods/memory.high", 1L << 30, CheckState.Warn)]
    [InlineData("0::/pods/thaw", "sys/fs/cgroup/pods/thaw/memory.max", 64L << 30, CheckState.Ok)]
    [InlineData("0::/", "sys/fs/cgroup/memory.max", 512L << 20, CheckState.Fail)]
    [InlineData("4:memory:/docker/x", "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", 600L << 20,
        CheckState.Fail)]
    [InlineData("4:memory:/docker/x", "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", 9223372036854771712,
        CheckState.Ok)]
    public void A_limit_of_any_group_above_counts(string group, string file, long bytes, CheckState state)
    {
        using var host = Host("proc/self/cgroup", group + "\n");
        Directory.CreateDirectory(Path.GetDirectoryName(host[file])!);
        host.Write(file, $"{bytes}\n");
        Assert.Equal(state, Assert.Single(MemoryChecks.Run(new HostFiles(host.FullPath),
            new ByteSize(512 << 20))).State);
    }

    [Theory]
    [InlineData(0, CheckState.Ok)]
    [InlineData(-29, CheckState.Ok)]
    [InlineData(31, CheckState.Warn)]
    [InlineData(-901, CheckState.Fail)]
    public void A_wrong_clock_is_told(int seconds, CheckState state) =>
        Assert.Equal(state, OriginChecks.Compare("http://origin", TimeSpan.FromSeconds(seconds)).State);

    private static TempFolder Host(string file, string text)
    {
        var host = new TempFolder();
        Directory.CreateDirectory(Path.GetDirectoryName(host[file])!);
        host.Write(file, text);
        return host;
    }
}
