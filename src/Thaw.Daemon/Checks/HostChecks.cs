using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Thaw.Core;
using Thaw.Core.Checksums;
using Thaw.Core.Units;

namespace Thaw.Daemon.Checks;

/// <summary>Kernel, libraries, descriptors and TCP of this host.</summary>
internal static partial class HostChecks
{
    /// <summary>The first kernel with FUSE passthrough (kernelnewbies.org, Linux 6.9).</summary>
    private static readonly Version Passthrough = new(6, 9);

    public static IEnumerable<Check> Run(HostFiles host) =>
    [
        Kernel(host), .. PosixChecks.Run(host), Glibc(), OpenSsl(), Sums(), .. LimitChecks.Run(host), Congestion(host),
        Buffers(host, "tcp_rmem", "receive"), Buffers(host, "tcp_wmem", "send"),
    ];

    internal static Check Kernel(HostFiles host)
    {
        const string file = "proc/sys/kernel/osrelease";
        var release = host.Read(file) ?? "";
        var parts = release.Split('.', '-');
        if (parts.Length < 2 || !int.TryParse(parts[0], CultureInfo.InvariantCulture, out var major)
            || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var minor))
            return Check.Warn("kernel", "/" + file, $"\"{release}\" is no kernel release",
                "run on Linux 6.9 or later.");
        return new Version(major, minor) >= Passthrough
            ? Check.Ok("kernel", "/" + file, $"Linux {release} has FUSE passthrough")
            : Check.Warn("kernel", "/" + file, $"Linux {release} has no FUSE passthrough",
                "the S3 endpoint is not affected; for reads of mounted files at disk speed use Linux 6.9 or later.");
    }

    private static Check Glibc()
    {
        var version = Marshal.PtrToStringUTF8(GetLibcVersion()) ?? "";
        return Check.Ok("glibc", "libc.so.6", $"version {version}");
    }

    private static Check OpenSsl()
    {
        const string library = "libssl.so.3";
        if (!NativeLibrary.TryLoad(library, out var handle))
            return Check.Fail("openssl", library, "OpenSSL 3 is not installed",
                "install the package libssl3 or openssl-libs: https origins and signatures need it.");
        NativeLibrary.Free(handle);
        return Check.Ok("openssl", library, "OpenSSL 3 is there");
    }

    /// <summary>How the sums of blocks are computed, measured: the best of some short turns on one core.</summary>
    internal static Check Sums()
    {
        var bytes = new byte[64 << 10];
        var best = TimeSpan.MaxValue;
        for (var turn = 0; turn < 64; turn++)
        {
            var start = Stopwatch.GetTimestamp();
            Crc32C.Compute(bytes);
            if (Stopwatch.GetElapsedTime(start) is var took && took < best)
                best = took;
        }

        var rate = bytes.Length / Math.Max(best.TotalSeconds, 1e-9) / 1e9;
        var found = string.Create(CultureInfo.InvariantCulture, $"{Crc32C.PathName}, {rate:F1} GB/s a core");
        return Crc32C.PathName == "table"
            ? Check.Warn("block sums", "processor", found,
                "run on a processor with an instruction for CRC-32C (SSE4.2, Armv8.1).")
            : Check.Ok("block sums", "processor", found);
    }

    internal static Check Congestion(HostFiles host)
    {
        const string file = "proc/sys/net/ipv4/tcp_congestion_control";
        return host.Read(file) switch
        {
            null => Check.Warn("tcp", "/" + file, "it cannot be read",
                "look at \"sysctl net.ipv4.tcp_congestion_control\"."),
            "bbr" => Check.Ok("tcp", "/" + file, "bbr"),
            var other => Check.Ok("tcp", "/" + file, $"{other}; bbr keeps its rate better on far origins with loss"),
        };
    }

    internal static Check Buffers(HostFiles host, string key, string direction)
    {
        var file = "proc/sys/net/ipv4/" + key;
        var parts = host.Read(file)?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (parts.Length != 3 || !long.TryParse(parts[2], CultureInfo.InvariantCulture, out var most))
            return Check.Warn("tcp buffers", "/" + file, "it cannot be read", $"look at \"sysctl net.ipv4.{key}\".");
        return most >= Limits.TcpBufferWanted
            ? Check.Ok("tcp buffers", "/" + file, $"{direction} buffers grow to {new ByteSize(most)}")
            : Check.Warn("tcp buffers", "/" + file,
                $"{direction} buffers grow to {new ByteSize(most)} only: "
                + $"a connection with 30 ms carries {new ByteSize((long)(most / 0.03))}/s at most",
                $"set the last number of net.ipv4.{key} to {Limits.TcpBufferWanted} or more with sysctl.");
    }

    [LibraryImport("libc", EntryPoint = "gnu_get_libc_version")]
    private static partial nint GetLibcVersion();
}
