using System.Globalization;

namespace Thaw.Daemon.Checks;

/// <summary>What this host allows the POSIX tree: to be mounted, by whom, and with passthrough.</summary>
internal static class PosixChecks
{
    /// <summary>CAP_SYS_ADMIN (uapi/linux/capability.h).</summary>
    private const int SystemAdministration = 21;

    private static readonly string[] Helpers = ["usr/bin/fusermount3", "bin/fusermount3", "usr/local/bin/fusermount3"];

    public static IEnumerable<Check> Run(HostFiles host) => [Fuse(host), Rights(host)];

    internal static Check Fuse(HostFiles host)
    {
        const string name = "fuse", file = "/dev/fuse";
        if (!host.Exists("dev/fuse"))
            return Check.Warn(name, file, "the device is missing",
                "the S3 endpoint is not affected; for mounts load the module fuse and give the container /dev/fuse.");
        return host.IsOpen("dev/fuse")
            ? Check.Ok(name, file, "the device is there")
            : Check.Warn(name, file, "this user may not open the device",
                "the S3 endpoint is not affected; for mounts give the device mode 0666, as udev does, or run as root.");
    }

    /// <summary>Mounting and passthrough both need the capability; the helper only mounts.</summary>
    internal static Check Rights(HostFiles host)
    {
        const string name = "mount rights", file = "/proc/self/status";
        var line = host.Read("proc/self/status")?.Split('\n')
            .FirstOrDefault(row => row.StartsWith("CapEff:", StringComparison.Ordinal));
        if (!ulong.TryParse(
            line?["CapEff:".Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var rights))
            return Check.Warn(name, file, "the capabilities cannot be read", "run thaw mount and see what it says.");
        if ((rights >> SystemAdministration & 1) != 0)
            return Check.Ok(name, file, "CAP_SYS_ADMIN: mounts, and reads whole files by passthrough");
        return Helpers.Any(host.Exists)
            ? Check.Warn(name, file,
                "no CAP_SYS_ADMIN: fusermount3 mounts, without passthrough and for this user alone",
                "whole files are read at about half the speed; grant the capability or run as root.")
            : Check.Warn(name, file, "no CAP_SYS_ADMIN and no fusermount3: nothing can be mounted",
                "the S3 endpoint is not affected; grant the capability, run as root or install fuse3.");
    }
}
