namespace Thaw.Testing;

/// <summary>Whether this machine lets tests mount.</summary>
public static class Fuse
{
    /// <summary>Why it does not; null: it does.</summary>
    public static string? Missing { get; } =
        !File.Exists("/dev/fuse") ? "/dev/fuse is missing"
        : !Environment.IsPrivilegedProcess ? "mounting needs root"
        : null;

    /// <summary>Whether the kernel has passthrough (Linux 6.9).</summary>
    public static bool HasPassthrough { get; } = Environment.OSVersion.Version >= new Version(6, 9);
}
